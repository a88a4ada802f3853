import {once} from 'node:events';
import http, {type IncomingMessage, type ServerResponse} from 'node:http';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../../src/clock.ts';
import type {InvocationResult} from '../../../src/delivery.ts';
import {Fault} from '../../../src/errors.ts';
import {Budget} from '../../../src/limits/budget.ts';
import {openConnection} from '../../../triggers/http/connection.ts';
import {HttpDelivery} from '../../../triggers/http/delivery.ts';
import {Readers} from '../../../triggers/http/readers.ts';
import {Replies} from '../../../triggers/http/reply.ts';
import {Senders} from '../../../triggers/http/senders.ts';
import {recordingMeter} from '../../helpers/fakes.ts';

const done: InvocationResult = {status: 200, headers: ['X-A', '1', 'X-A', '2'], body: 'done'};

/** A real server; each request becomes a delivery. */
async function receive(
  t: ExecutionContext,
  handle: (delivery: HttpDelivery, request: IncomingMessage, response: ServerResponse) => unknown,
) {
  const answered: [string, number][] = [];
  const budget = new Budget(1000, systemClock);
  const edge = {
    maxBodyBytes: 10,
    budget,
    clock: systemClock,
    isClosing: false,
    inFlight: 0,
    passes: false,
    senders: new Senders(systemClock, () => {}),
    replies: new Replies(systemClock, new Readers(budget, systemClock, () => {})),
    meter: {...recordingMeter(), requestEnded: (method: string, status: number) => void answered.push([method, status])},
  };
  const server = http.createServer({joinDuplicateHeaders: true}, (request, response) => {
    void handle(new HttpDelivery(response, edge, 0), request, response);
  });
  server.on('connection', socket => openConnection(socket, () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const {port} = server.address() as AddressInfo;
  return {
    answered,
    edge,
    /** Sends bytes and returns all that comes until the server closes. */
    async send(...bytes: string[]): Promise<string> {
      const socket = net.connect(port, '127.0.0.1');
      for (const part of bytes) socket.write(part);
      let received = '';
      for await (const chunk of socket) received += chunk;
      return received;
    },
    connect: () => net.connect(port, '127.0.0.1'),
  };
}

/** Takes the input and answers with it, or with the fault. */
async function tell(delivery: HttpDelivery) {
  try {
    const {body, headers, holder: _, ...input} = await delivery.input();
    delivery.reply({...done, body: JSON.stringify({...input, body: String(body), fields: headers.length / 2})});
  } catch (error) {
    delivery.reply({
      ...done,
      status: error instanceof Fault ? error.status : 500,
      body: error instanceof Fault ? error.code : String(error),
    });
  }
}

const head = (line: string, ...fields: string[]) => [line, 'Host: a.example:8080', 'Connection: close', ...fields, '', ''].join('\r\n');

test('a declared length over the limit is refused before a byte is read', async t => {
  const {send} = await receive(t, tell);
  const received = await send(head('POST / HTTP/1.1', 'Content-Length: 11'));
  t.regex(received, /^HTTP\/1\.1 413 /);
  t.regex(received, /BODY_TOO_LARGE$/);
  t.regex(received, /\r\nConnection: close\r\n/);
});

test('a chunked body over the limit is refused as soon as it passes', async t => {
  const {send} = await receive(t, tell);
  const received = await send(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'), '6\r\nabcdef\r\n', '5\r\nghijk\r\n');
  t.regex(received, /^HTTP\/1\.1 413 .*BODY_TOO_LARGE$/s);
});

for (const [coding, bytes] of [
  ['Content-Length: 5', 'abc'],
  ['Transfer-Encoding: chunked', '3\r\nabc\r\n'],
] as const) {
  test(`a client that leaves within its body has no input (${coding})`, async t => {
    const failed = Promise.withResolvers<unknown>();
    const {connect} = await receive(t, async delivery => {
      await Promise.resolve(delivery.input()).then(failed.resolve, failed.resolve);
    });
    const socket = connect();
    socket.write(head('POST / HTTP/1.1', coding) + bytes, () => setTimeout(() => socket.destroy(), 20));
    const error = await failed.promise;
    t.true(error instanceof Fault && error.code === 'BODY_INCOMPLETE');
  });
}

test('an unknown trigger type is refused, before the body', async t => {
  const {send} = await receive(t, tell);
  for (const type of ['sns', 'CRON', 'http, http', 'constructor', '__proto__']) {
    t.regex(
      await send(head('POST / HTTP/1.1', `SCW_TRIGGER_TYPE: ${type}`, 'Content-Length: 3')),
      /^HTTP\/1\.1 400 .*TRIGGER_UNKNOWN$/s,
      type,
    );
  }
});

test('the input is what was received', async t => {
  const {send, answered} = await receive(t, tell);
  for (const type of [[], ['SCW_TRIGGER_TYPE: '], ['SCW_TRIGGER_TYPE: http']]) {
    const received = await send(`${head('PATCH /a%20b?q=1 HTTP/1.1', ...type, 'Content-Length: 10')}0123456789`);
    t.deepEqual(JSON.parse(received.split('\r\n\r\n')[1] ?? ''), {
      shape: 'request',
      eventType: 'http',
      reply: 'http',
      method: 'PATCH',
      path: '/a b',
      query: 'q=1',
      target: '/a%20b?q=1',
      sourceIp: '127.0.0.1',
      body: '0123456789',
      fields: 3 + type.length,
    });
  }
  t.deepEqual(answered, [
    ['PATCH', 200],
    ['PATCH', 200],
    ['PATCH', 200],
  ]);
});

test('a call of a platform’s trigger is always a POST to /, and its schedule is not believed', async t => {
  const {send} = await receive(t, tell);
  for (const type of ['cron', 'mqtt', 'nats', 'sqs']) {
    const received = await send(`${head('GET /a?q=1 HTTP/1.1', `SCW_TRIGGER_TYPE: ${type}`, 'Content-Length: 2')}{}`);
    t.like(JSON.parse(received.split('\r\n\r\n')[1] ?? ''), {eventType: type, method: 'POST', path: '/', query: '', body: '{}'});
    t.notRegex(received, /schedule/);
  }
});

test('what is for a server is a request, whatever it says to be, also where it is received whole', async t => {
  const {edge, send} = await receive(t, tell);
  edge.passes = true;
  for (const type of ['cron', 'pigeon']) {
    const received = await send(`${head('PUT /a?q=1 HTTP/1.1', `SCW_TRIGGER_TYPE: ${type}`, 'Content-Length: 2')}{}`);
    t.like(JSON.parse(received.split('\r\n\r\n')[1] ?? ''), {eventType: 'http', reply: 'http', method: 'PUT', path: '/a', query: 'q=1'});
  }
});

test('only a preflight has an answer for callers without credentials', async t => {
  const {send} = await receive(t, delivery => delivery.reply({...done, body: JSON.stringify(delivery.anonymousReply ?? null)}));
  const bodyOf = async (line: string, ...fields: string[]) => JSON.parse((await send(head(line, ...fields))).split('\r\n\r\n')[1] ?? '');
  const origin = 'Origin: https://a.example';
  const method = 'Access-Control-Request-Method: PUT';
  t.is(await bodyOf('OPTIONS / HTTP/1.1'), null);
  t.is(await bodyOf('OPTIONS / HTTP/1.1', origin), null);
  t.is(await bodyOf('OPTIONS / HTTP/1.1', method), null);
  t.is(await bodyOf('GET / HTTP/1.1', origin, method), null);
  t.deepEqual(await bodyOf('OPTIONS / HTTP/1.1', origin, method), {
    status: 204,
    headers: [
      ...['Access-Control-Allow-Origin', '*'],
      ...['Access-Control-Allow-Headers', 'Content-Type, Authorization, X-Auth-Token, SCW-Functions-Token'],
      ...['Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
      ...['Access-Control-Max-Age', '600'],
    ],
    body: '',
  });
});

test('a span gets the path and the host, without query and port', async t => {
  const {send} = await receive(t, delivery => delivery.reply({...done, body: JSON.stringify(delivery.subject())}));
  t.deepEqual(JSON.parse((await send(head('GET /a?secret=1 HTTP/1.1'))).split('\r\n\r\n')[1] ?? ''), {
    trigger: 'http',
    method: 'GET',
    path: '/a',
    address: 'a.example',
  });
});

test('the signal aborts when the client leaves, also if it is read only later', async t => {
  const aborted = Promise.withResolvers<boolean>();
  const late = Promise.withResolvers<boolean>();
  const {connect, edge} = await receive(t, (delivery, _request, response) => {
    response.once('close', () => setImmediate(() => late.resolve(new HttpDelivery(response, edge, 0).signal.aborted)));
    delivery.signal.addEventListener('abort', () => aborted.resolve(true));
  });
  const socket = connect();
  socket.write(head('GET / HTTP/1.1'), () => setTimeout(() => socket.destroy(), 20));
  t.true(await aborted.promise);
  t.true(await late.promise);
});

const framing: [title: string, line: string, result: Partial<InvocationResult>, fields: RegExp, body: string][] = [
  ['a text has its length in bytes', 'GET / HTTP/1.1', {body: 'é'}, /\r\nContent-Length: 2\r\n/, 'Ã©'],
  ['bytes go out as they are', 'GET / HTTP/1.1', {body: Buffer.from([0x61, 0xff])}, /\r\nContent-Length: 2\r\n/, 'a\xff'],
  ['no body has length 0', 'GET / HTTP/1.1', {body: ''}, /\r\nContent-Length: 0\r\n/, ''],
  ['HEAD has the length and no body', 'HEAD / HTTP/1.1', {body: 'hello'}, /\r\nContent-Length: 5\r\n/, ''],
  ['HEAD has the length that the function gave', 'HEAD / HTTP/1.1', {body: '', declaredLength: '1234'}, /\r\nContent-Length: 1234\r\n/, ''],
  [
    'the length of the function is for HEAD only',
    'GET / HTTP/1.1',
    {body: 'abc', declaredLength: '1234'},
    /\r\nContent-Length: 3\r\n/,
    'abc',
  ],
  [
    '204 has no length for HEAD either',
    'HEAD / HTTP/1.1',
    {status: 204, body: '', declaredLength: '1234'},
    /^(?!.*content-length)(?!.*transfer-encoding)/is,
    '',
  ],
  ['204 has neither', 'GET / HTTP/1.1', {status: 204, body: 'hello'}, /^(?!.*content-length)(?!.*transfer-encoding)/is, ''],
  ['304 has neither', 'GET / HTTP/1.1', {status: 304, body: 'hello'}, /^(?!.*content-length)(?!.*transfer-encoding)/is, ''],
  ['repeated fields are lines of their own', 'GET / HTTP/1.1', {}, /\r\nX-A: 1\r\nX-A: 2\r\n/, 'done'],
];

for (const [title, line, result, fields, body] of framing) {
  test(title, async t => {
    const {connect} = await receive(t, delivery => delivery.reply({...done, ...result}));
    const socket = connect().setEncoding('latin1');
    socket.write(head(line));
    let received = '';
    for await (const chunk of socket) received += chunk;
    const [start = '', sent] = received.split('\r\n\r\n');
    t.regex(`${start}\r\n`, fields);
    t.is(sent, body);
  });
}

test('a second reply changes nothing on the wire', async t => {
  const {send} = await receive(t, delivery => {
    delivery.reply(done);
    delivery.reply({...done, body: 'again'});
  });
  t.regex(await send(head('GET / HTTP/1.1')), /^HTTP\/1\.1 200 OK.*\r\n\r\ndone$/s);
});

test('an answer that is alone leaves at once; among others it waits for those of its turn', async t => {
  const waiting: {delivery: HttpDelivery; response: ServerResponse}[] = [];
  const both = Promise.withResolvers<void>();
  const {send} = await receive(t, (delivery, _request, response) => {
    waiting.push({delivery, response});
    if (waiting.length === 2) both.resolve();
  });
  const received = Promise.all([send(head('GET /1 HTTP/1.1')), send(head('GET /2 HTTP/1.1'))]);
  await both.promise;
  const [first, last] = waiting;
  first?.delivery.reply(done);
  t.false(first?.response.writableEnded);
  last?.delivery.reply(done);
  t.true(last?.response.writableEnded);
  for (const answer of await received) t.regex(answer, /^HTTP\/1\.1 200 .*done$/s);
  t.true(first?.response.writableEnded);
});

test('a second reply is not counted twice among those in flight', async t => {
  const {send, edge} = await receive(t, delivery => {
    delivery.reply(done);
    delivery.reply(done);
  });
  await send(head('GET / HTTP/1.1'));
  t.is(edge.inFlight, 0);
});
