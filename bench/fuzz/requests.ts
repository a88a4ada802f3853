import type {Delivery} from '../../src/delivery.ts';
import {asFault} from '../../src/errors.ts';
import {faultResult} from '../../src/http/answer.ts';
import {fakeHouse, recordingMeter} from '../../test/helpers/fakes.ts';
import {parseReplies} from '../../test/helpers/strict-http.ts';
import {readRequests} from '../../test/helpers/strict-requests.ts';
import {Wire} from '../../test/helpers/wire.ts';
import {http} from '../../triggers/http/index.ts';
import {mutate, pick, random} from './chance.ts';
import {count, counts, differ} from './run.ts';

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** The real trigger; each request that would run is kept by the port that its client came from. */
export async function openTrigger() {
  const seen = new Map<number, (Seen | undefined)[]>();
  const deliver = async (delivery: Delivery, carrier: unknown) => {
    const {req} = carrier as {req: import('node:http').IncomingMessage}; // Koa's context
    const port = req.socket.remotePort ?? 0;
    const list = seen.get(port) ?? [];
    seen.set(port, list);
    const place = list.push(undefined) - 1; // in the order of the wire: a request without a body runs before one that has one
    try {
      const {body} = await delivery.input();
      list[place] = {method: req.method ?? '', target: req.url ?? '', body: body.toString('latin1')};
      delivery.reply({status: 200, headers: ['Core-Invocation-Id', 'id'], body: 'ran'});
    } catch (error) {
      delivery.reply(faultResult(asFault(error), 'id', ''));
    }
  };
  const house = fakeHouse({
    deliver,
    scrape: deliver,
    hurry: AbortSignal.abort(),
    meter: {
      ...recordingMeter(),
      ...Object.fromEntries(
        Object.keys(recordingMeter())
          .filter(key => key !== 'calls')
          .map(key => [key, () => {}]),
      ),
    },
  });
  const opened = await http.open({host: undefined, port: 0, payloadMaxBytes: 1000, keepAliveMs: 60_000, metricsPath: ''}, house);
  return {...opened, url: opened.url, seen};
}

/** Requests on a connection of their own, compared with a strict parser. */
export async function fuzzRequest(trigger: Awaited<ReturnType<typeof openTrigger>>): Promise<void> {
  const bytes = fuzzRequestBytes();
  if (/HEAD|CONNECT/.test(bytes)) return;
  const wire = new Wire(trigger.url ?? '');
  await new Promise(resolve => wire.socket.once('connect', resolve));
  const port = wire.socket.localPort ?? 0;
  const cut = random(bytes.length + 1);
  if (random(2) === 0) {
    await wire.write(bytes.slice(0, cut));
    await wire.write(bytes.slice(cut));
  } else await wire.write(bytes);
  wire.socket.end();
  await wire.closed;
  const ran = (trigger.seen.get(port) ?? []).filter(each => each !== undefined);
  trigger.seen.delete(port);
  const details = {bytes, ran, received: wire.received.toString('latin1')};
  try {
    const replies = parseReplies(wire.received);
    if (replies.filter(({status}) => status === 200).length < ran.length) differ('a run without its answer', details);
    for (const {status} of replies) count(`answers ${status}`);
  } catch (error) {
    differ('an answer that is malformed', {...details, error});
  }
  const expected = readRequests(bytes).filter(({target}) => target !== '*');
  for (const [index, {method, target, body}] of ran.entries()) {
    const other = expected[index];
    if (!other || other.method !== method || other.target !== target || other.body !== body)
      differ('a request that is read in two ways', {...details, expected});
  }
  count('connections');
  counts.runs = (counts.runs ?? 0) + ran.length;
}

function fuzzRequestBytes(): string {
  const host = 'Host: a\r\n';
  const corpus = [
    `GET / HTTP/1.1\r\n${host}\r\n`,
    `GET /a?b=c HTTP/1.1\r\n${host}X: y\r\nConnection: close\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: t\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    `GET / HTTP/1.0\r\n\r\n`,
    `POST / HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc`,
    `PUT http://b/c HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
    `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
    `DELETE /x HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`,
  ];
  const parts = [
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    '0',
    '\x00',
    '\x0b',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\n',
    'Host: b\r\n',
    'chunked',
    ', ',
    ';',
    '0\r\n\r\n',
    'GET /s HTTP/1.1\r\nHost: a\r\n\r\n',
    'HTTP/1.1',
    '+',
    '-',
    '0x',
    '\xff',
    'Connection: close\r\n',
    'Upgrade: x\r\n',
  ];
  let bytes = Array.from({length: random(3) + 1}, () => pick(corpus)).join('');
  for (let edits = random(4); edits > 0; edits--) bytes = mutate(bytes, parts);
  return bytes;
}
