import {isDeepStrictEqual} from 'node:util';
import {sliceMember} from '../middleware/respond/slice.ts';
import type {Delivery} from '../src/delivery.ts';
import {asFault, Fault} from '../src/errors.ts';
import {faultResult} from '../src/http/answer.ts';
import {fakeHouse, recordingMeter} from '../test/helpers/fakes.ts';
import {parseReplies} from '../test/helpers/strict-http.ts';
import {readRequests} from '../test/helpers/strict-requests.ts';
import {Wire} from '../test/helpers/wire.ts';
import {http} from '../triggers/http/index.ts';
import {parseTarget} from '../triggers/http/target.ts';

/*
Sends garbage to everything that reads strangers' bytes, and compares with a second reader of the same bytes: slices of JSON with
JSON.parse and with another scanner; requests on real sockets with a strict parser; targets with another decoder.
Stops at the first difference and prints it with its seed.

    node bench/fuzz.ts [seconds] [seed]
*/

const [seconds = 60, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const until = performance.now() + seconds * 1000;
let state = seed;
const counts: Record<string, number> = {};
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};

/** Mulberry32: small, fast, and the same everywhere. */
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T; // never empty

function differ(what: string, details: Record<string, unknown>): never {
  console.error(`${what} (seed ${seed}):`, details);
  process.exit(1);
}

console.log(`seed ${seed}, ${seconds} s`);
const trigger = await openTrigger();
while (performance.now() < until) {
  for (let round = 0; round < 500; round++) {
    fuzzSlice();
    fuzzTarget();
  }
  await Promise.all(Array.from({length: 40}, fuzzRequest));
}
await trigger[Symbol.asyncDispose]();
console.log(counts);
process.exit(0);

// JSON ---------------------------------------------------------------------------------------------------------------

function jsonText(depth: number): string {
  const gap = () => pick(['', '', '', ' ', '\n', '\t\r ', '   ']);
  switch (random(depth > 4 ? 5 : 8)) {
    case 0:
      return pick(['null', 'true', 'false', '""', '{}', '[]', '[ ]', '{ }']);
    case 1:
      return pick(['0', '-0', '-0.0', '1e400', '1E-7', '12345678901234567890123', '0.1', '-1.5e+3']);
    case 2:
    case 3:
    case 4:
      return quoted();
    case 5:
      return `[${Array.from({length: random(4) + 1}, () => gap() + jsonText(depth + 1) + gap()).join(',')}]`;
    default:
      return `{${Array.from({length: random(5) + 1}, () => `${gap()}${pick([quoted(), '"body"', '"headers"', '"\\u0062ody"', '"__proto__"'])}${gap()}:${gap()}${jsonText(depth + 1)}${gap()}`).join(',')}}`;
  }
}

function quoted(): string {
  const parts = [
    'a',
    'body',
    '\\"',
    '\\\\',
    '\\/',
    '\\n',
    '\\u0022',
    '\\u005c',
    '\\ud83d',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\u2028',
    'é',
    '日',
    '😀',
    ' ',
    '\x7f',
    '\u00a0',
    '\ufeff',
  ];
  return `"${Array.from({length: random(6)}, () => pick(parts)).join('')}"`;
}

function fuzzSlice(): void {
  let json = `{${Array.from({length: random(6)}, () => `${quoted()}:${jsonText(0)}`).join(',')}}`;
  for (let edits = random(3); edits > 0; edits--)
    json = mutate(json, ['"', '\\', '{', '}', '[', ']', ',', ':', ' ', '0', '"body":', '\\u']);
  // Having met a name that holds a backslash, V8 misreads others: https://github.com/nodejs/node/issues/63785
  if (/"(?:[^"\\]|\\.)*\\(?:\\|u005c)(?:[^"\\]|\\.)*"\s*:/i.test(json)) {
    count('json left out');
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    count('json refused');
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const reference = membersOf(json);
  const names = Object.keys(value);
  if (names.length !== reference.size) differ('the second scanner differs from JSON.parse', {json});
  for (const name of [...names, 'absent', 'body']) {
    const slice = sliceMember(json, name);
    if (slice !== reference.get(name))
      differ('a slice is another than the second scanner’s', {json, name, slice, reference: reference.get(name)});
    const member = Object.getOwnPropertyDescriptor(value, name)?.value;
    if (slice !== undefined && !isDeepStrictEqual(JSON.parse(slice), member)) differ('a slice is another value', {json, name, slice});
    count('slices');
  }
}

/** Another scanner: it cuts the text into tokens first. */
function membersOf(json: string): Map<string, string> {
  const tokens = [...json.matchAll(/"(?:[^"\\]|\\[\s\S])*"|[{}[\],:]|[^\s{}[\],:"]+/g)];
  const members = new Map<string, string>();
  let depth = 0;
  let name = '';
  let from = 0;
  let to = 0;
  let isValue = false;
  for (const {0: token, index} of tokens) {
    const isEnd = depth === 1 && (token === ',' || token === '}');
    if (isEnd && isValue) {
      members.set(name, json.slice(from, to));
      isValue = false;
    }
    if (!isValue && depth === 1 && token.startsWith('"')) name = JSON.parse(token);
    if (depth === 1 && token === ':' && !isValue) {
      isValue = true;
      from = -1;
    } else if (isValue && from === -1) from = index;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    to = index + token.length;
  }
  return members;
}

function mutate(text: string, parts: readonly string[]): string {
  const at = random(text.length + 1);
  const length = random(12);
  switch (random(5)) {
    case 0:
      return text.slice(0, at) + pick(parts) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length);
    case 3:
      return text.slice(0, at) + pick(parts) + text.slice(at + 1);
    default:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
  }
}

// Targets ------------------------------------------------------------------------------------------------------------

function fuzzTarget(): void {
  const parts = [
    '/',
    '//',
    '..',
    '%',
    '%2',
    '%2f',
    '%00',
    '%FF',
    '%c3%a9',
    'a',
    '?',
    '#',
    '&',
    '=',
    '+',
    '\xc3\xa9',
    '\xff',
    'http://',
    'HTTPS://',
    'ftp://',
    'h',
    ':80',
    '@',
    '*',
    '\\',
    ';',
    '[',
    '%e2%82',
  ];
  let target = pick(['/', '/', '/', '', 'http://a', '*']);
  for (let length = random(8); length > 0; length--) target += pick(parts);
  let read: {path: string; query: string} | undefined;
  try {
    read = parseTarget(target);
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'REQUEST_MALFORMED')) differ('a target that is a bug', {target, error});
  }
  const expected = targetOf(target);
  if (!isDeepStrictEqual(read, expected)) differ('a target that is read in two ways', {target, read, expected});
  count(read ? 'targets' : 'targets refused');
}

/** Another reading of a target, byte by byte. */
function targetOf(target: string): {path: string; query: string} | undefined {
  let rest = target;
  if (!rest.startsWith('/')) {
    const scheme = ['http://', 'https://'].find(each => rest.toLowerCase().startsWith(each));
    if (!scheme) return undefined;
    rest = rest.slice(scheme.length);
    const end = [...rest].findIndex(character => '/?#'.includes(character));
    if (end === 0 || rest === '') return undefined;
    rest = end === -1 ? '' : rest.slice(end);
    if (!rest.startsWith('/')) rest = `/${rest}`;
  }
  const [path = '', ...query] = rest.split('?');
  const bytes: number[] = [];
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== '%') bytes.push(path.charCodeAt(at));
    else {
      const digits = path.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/i.test(digits)) return undefined;
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    }
  }
  const text = (given: Iterable<number>) => new TextDecoder('utf-8', {ignoreBOM: true}).decode(Uint8Array.from(given));
  return {path: text(bytes), query: text(Buffer.from(query.join('?'), 'latin1'))};
}

// Requests -----------------------------------------------------------------------------------------------------------

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** The real trigger; each request that would run is kept by the port that its client came from. */
async function openTrigger() {
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

async function fuzzRequest(): Promise<void> {
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
