import {fork} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {once} from 'node:events';
import http from 'node:http';
import net, {type AddressInfo, type Socket} from 'node:net';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {NotSent, type RuntimeCall, type RuntimeReply} from '../../src/runtime.ts';
import type {CallEnd} from '../../src/workers/hop/exchange.ts';
import {Upstream, type UpstreamOptions} from '../../src/workers/hop/http.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';
import {refusingPort} from '../helpers/port.ts';

const fixture = projectFile('test/fixtures/busy-listener.cjs');

const call: RuntimeCall = {
  invocationId: 'id-1',
  body: '{"event":"é"}',
  deadlineMs: 1_764_000_000_000,
  deadline: Number.POSITIVE_INFINITY,
  timeoutMs: 5000,
  signal: undefined,
  trace: undefined,
};

interface Misbehaving {
  readonly upstream: Upstream;
  readonly port: number;
  /** What each connection sent. */
  readonly received: string[];
}

/** A server that answers every whole request with these bytes, or does with the socket what it is told. */
async function misbehaving(
  t: ExecutionContext,
  answer: string | Buffer | ((socket: Socket, requests: number) => void),
  some: Partial<UpstreamOptions> = {},
  clock = systemClock,
): Promise<Misbehaving> {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let requests = 0;
  const server = net.createServer(socket => {
    sockets.add(socket);
    const connection = received.push('') - 1;
    let sent = '';
    let pending = '';
    socket.on('error', () => {});
    socket.on('data', chunk => {
      sent += chunk;
      received[connection] = sent;
      pending += chunk;
      if (!pending.includes('\r\n\r\n') || !pending.endsWith('}')) return;
      pending = '';
      requests++;
      if (typeof answer === 'function') answer(socket, requests);
      else socket.write(answer);
    });
  });
  server.listen(some.socket === undefined ? {port: 0, host: '127.0.0.1'} : {path: `\0${some.socket}`});
  await once(server, 'listening');
  const {port} = some.socket === undefined ? (server.address() as AddressInfo) : {port: 1};
  const upstream = new Upstream({host: '127.0.0.1', port, connections: 4, maxReplyBytes: 1000, bridgeToken: 'secret', ...some}, clock);
  t.teardown(() => {
    upstream.destroy(new Fault('DRAINING'));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {upstream, port, received};
}

const ignored = () => {};
const within = (ms: number): RuntimeCall => ({...call, deadline: systemClock.monotonic() + ms});
const head = (fields: string, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields}\r\n\r\n`;
const ok = (body: string) => head(`Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`) + body;

test('a port that refuses is NotSent: nothing ran, the call may be sent again', async t => {
  const options = {host: '127.0.0.1', port: await refusingPort(t), connections: 1, maxReplyBytes: 1000, bridgeToken: ''};
  const upstream = new Upstream(options, systemClock);
  t.teardown(() => upstream.destroy(new Fault('DRAINING')));
  const {reply, ends} = sendAndHear(upstream, within(5000));
  await t.throwsAsync(reply, {instanceOf: NotSent});
  t.like(ends, [{mayRun: false, broke: true}]);
});

const broken: [title: string, answer: string | Buffer | ((socket: Socket) => void), code: FaultCode][] = [
  ['closes without a byte', socket => socket.end(), 'UPSTREAM_LOST'],
  ['resets without a byte', socket => socket.resetAndDestroy(), 'UPSTREAM_LOST'],
  ['closes within the head', socket => socket.end('HTTP/1.1 200 OK\r\nContent-Le'), 'UPSTREAM_LOST'],
  ['closes after the head', socket => socket.end(head('Content-Length: 5')), 'UPSTREAM_LOST'],
  ['closes within the body', socket => socket.end(`${head('Content-Length: 5')}abc`), 'UPSTREAM_LOST'],
  ['resets within the body', socket => socket.write(`${head('Content-Length: 5')}abc`, () => socket.resetAndDestroy()), 'UPSTREAM_LOST'],
  ['closes within a chunk', socket => socket.end(`${head('Transfer-Encoding: chunked')}5\r\nabc`), 'UPSTREAM_LOST'],
  ['closes before the last chunk', socket => socket.end(`${head('Transfer-Encoding: chunked')}3\r\nabc\r\n`), 'UPSTREAM_LOST'],
  ['speaks no HTTP', 'hello world\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['answers in another protocol’s version', 'SSH-2.0-OpenSSH_9.2\r\n', 'UPSTREAM_PROTOCOL'],
  ['sends a chunk size that is none', `${head('Transfer-Encoding: chunked')}zz\r\nabc\r\n0\r\n\r\n`, 'UPSTREAM_PROTOCOL'],
  ['sends two lengths that differ', `${head('Content-Length: 3\r\nContent-Length: 4')}abcd`, 'UPSTREAM_PROTOCOL'],
  ['sends a length that is none', `${head('Content-Length: 3x')}abc`, 'UPSTREAM_PROTOCOL'],
  ['sends a length and chunks', `${head('Content-Length: 3\r\nTransfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`, 'UPSTREAM_PROTOCOL'],
  ['switches protocols', head('Connection: Upgrade\r\nUpgrade: websocket', '101 Switching Protocols'), 'UPSTREAM_PROTOCOL'],
  ['asks for the body again', head('X: y', '100 Continue') + ok('{}'), 'UPSTREAM_PROTOCOL'],
  ['hints without end', head('X: y', '103 Early Hints').repeat(1001) + ok('{}'), 'UPSTREAM_PROTOCOL'],
  ['declares more than the limit', head('Content-Length: 1001'), 'UPSTREAM_PROTOCOL'],
  [
    'sends more than the limit in chunks',
    `${head('Transfer-Encoding: chunked')}3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`,
    'UPSTREAM_PROTOCOL',
  ],
  [
    'sends more than the limit until it closes',
    socket => socket.end(`${head('Connection: close')}${'x'.repeat(1001)}`),
    'UPSTREAM_PROTOCOL',
  ],
  [
    'sends a head without end',
    `HTTP/1.1 200 OK\r\n${'X-A: '.padEnd(1000, 'a')}\r\n`.repeat(1) + `X-B: ${'b'.repeat(20)}\r\n`.repeat(10_000),
    'UPSTREAM_PROTOCOL',
  ],
];

/** Of a test of its own. */
const newSocket = () => `core-test-${process.pid}-${randomUUID()}`;

for (const [title, answer, code] of broken) {
  for (const onSocket of title.startsWith('resets') ? [false] : [false, true]) // nothing resets such a socket
    test(`502 for a sub-runtime that ${title}${onSocket ? ', on its socket' : ''}`, async t => {
      const {upstream} = await misbehaving(t, answer, onSocket ? {socket: newSocket()} : {});
      const fault = await t.throwsAsync(upstream.send(within(5000), ignored), {instanceOf: Fault, code});
      t.is((fault as Fault | undefined)?.status, 502);
      t.false(fault?.message.includes('\n'));
    });
}

test('after a broken reply the next call is served', async t => {
  const {upstream} = await misbehaving(t, (socket, requests) =>
    requests === 1 ? socket.write('garbage\r\n\r\n') : socket.write(ok('{}')),
  );
  await t.throwsAsync(upstream.send(within(5000), ignored), {code: 'UPSTREAM_PROTOCOL'});
  t.is(String((await upstream.send(within(5000), ignored)).body), '{}');
});

/** Whether it times out at the deadline and not before, by a clock that the test moves. */
async function timesOut(t: ExecutionContext, answer: (socket: Socket) => void): Promise<void> {
  const clock = new ManualClock();
  const answered = Promise.withResolvers<void>();
  const {upstream} = await misbehaving(
    t,
    socket => {
      answer(socket);
      answered.resolve();
    },
    {},
    clock,
  );
  const sent = upstream.send({...call, deadline: 5000}, ignored);
  let isOver = false;
  sent
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  await answered.promise;
  await clock.advance(4999);
  t.false(isOver);
  await clock.advance(1);
  const fault = await t.throwsAsync(sent, {instanceOf: Fault, code: 'UPSTREAM_TIMEOUT'});
  t.is(fault?.message, 'The function did not answer within 5000 ms');
}

test('504 at the deadline for a sub-runtime that never answers', t => timesOut(t, () => {}));
test('504 at the deadline for one that stops after the head', t => timesOut(t, socket => socket.write(head('Content-Length: 5'))));
test('504 at the deadline for one that never ends its body', t => timesOut(t, socket => socket.write(`${head('Connection: close')}abc`)));
test('504 at the deadline for one that only promises', t =>
  timesOut(t, socket => socket.write(head('X: y', '103 Early Hints').repeat(50))));

test('504 at the deadline for one that drips for ever', async t => {
  const {upstream} = await misbehaving(t, socket => {
    socket.write(head('Transfer-Encoding: chunked'));
    const drip = setInterval(() => socket.write('1\r\na\r\n'), 5);
    socket.once('close', () => clearInterval(drip));
  });
  await t.throwsAsync(upstream.send(within(80), ignored), {code: 'UPSTREAM_TIMEOUT'});
});

test('504 for an answer behind the deadline, although our timer comes late', async t => {
  const busy = {...systemClock, after: () => () => {}};
  const deadline = systemClock.monotonic() + 20;
  const {upstream} = await misbehaving(
    t,
    socket => {
      while (systemClock.monotonic() < deadline); // both sides are this process
      socket.write(ok('{}'));
    },
    {},
    busy,
  );
  await t.throwsAsync(upstream.send({...call, deadline}, ignored), {code: 'UPSTREAM_TIMEOUT'});
});

test('504 when the deadline has passed before the call could leave', async t => {
  const clock = new ManualClock();
  const {upstream, received} = await misbehaving(t, ok('{}'), {connections: 1}, clock);
  const first = upstream.send({...call, deadline: 1e6}, ignored);
  const late = upstream.send({...call, deadline: -1}, ignored);
  await Promise.all([t.throwsAsync(late, {code: 'UPSTREAM_TIMEOUT'}), clock.advance(0)]);
  await first;
  await upstream.send({...call, deadline: 1e6}, ignored);
  t.is(received.join('').match(/POST \/ /g)?.length, 2);
});

test('a destroyed sub-runtime’s calls fail with the reason', async t => {
  const waiting = Promise.withResolvers<void>();
  const {upstream} = await misbehaving(t, () => waiting.resolve());
  const sent = upstream.send(within(5000), ignored);
  await waiting.promise;
  upstream.destroy(new Fault('UPSTREAM_LOST', {message: 'it exited during the call'}));
  await t.throwsAsync(sent, {code: 'UPSTREAM_LOST', message: 'it exited during the call'});
});

const taken: [title: string, answer: string | Buffer | ((socket: Socket) => void), reply: Partial<RuntimeReply> & {text?: string}][] = [
  ['a length', ok('{"a":1}'), {status: 200, contentType: 'application/json', framed: true, text: '{"a":1}'}],
  ['chunks', `${head('Transfer-Encoding: chunked')}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`, {framed: true, contentType: '', text: 'abc'}],
  ['the end of the connection', socket => socket.end(`${head('Connection: close')}abc`), {framed: false, text: 'abc'}],
  ['HTTP/1.0', socket => socket.end('HTTP/1.0 200 OK\r\n\r\nabc'), {framed: false, text: 'abc'}],
  ['no body', head('Content-Length: 0', '204 No Content'), {status: 204, text: ''}],
  ['hints before the reply', head('X: y', '103 Early Hints').repeat(1000) + ok('{}'), {status: 200, text: '{}'}],
  ['a redirect, which is not followed', head('Location: /elsewhere\r\nContent-Length: 0', '302 Found'), {status: 302}],
  ['an error', `${head('Content-Length: 4', '500 Error')}boom`, {status: 500, text: 'boom'}],
  ['exactly the limit', `${head('Content-Length: 1000')}${'x'.repeat(1000)}`, {framed: true, text: 'x'.repeat(1000)}],
  ['a content type twice', `${head('Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1')}x`, {contentType: '', text: 'x'}],
];

for (const [title, answer, {text, ...expected}] of taken) {
  test(`takes a reply with ${title}`, async t => {
    const {upstream, received} = await misbehaving(t, answer);
    const reply = await upstream.send(within(5000), ignored);
    t.like(reply, expected);
    if (text !== undefined) t.is(String(reply.body), text);
    t.is(received.join('').match(/POST \//g)?.length, 1);
  });
}

test('a compressed reply is taken as it is', async t => {
  const body = gzipSync('{"a":1}');
  const fields = `Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}`;
  const {upstream} = await misbehaving(t, Buffer.concat([Buffer.from(head(fields)), body]));
  t.deepEqual((await upstream.send(within(5000), ignored)).body, body);
});

test('the request is the contract’s: one POST to /, our fields, the body as it stands', async t => {
  const {upstream, port, received} = await misbehaving(t, ok('{}'));
  await upstream.send({...within(5000), trace: {traceparent: '00-trace', tracestate: 'a=b'}}, ignored);
  const [request = ''] = received;
  const [fields = '', body] = request.split('\r\n\r\n');
  const [line, ...rest] = fields.split('\r\n');
  t.is(line, 'POST / HTTP/1.1');
  t.deepEqual(
    new Set(rest.map(field => field.toLowerCase())),
    new Set([
      `host: 127.0.0.1:${port}`,
      'connection: keep-alive',
      'content-type: application/json',
      'core-bridge-token: secret',
      'core-invocation-id: id-1',
      'core-deadline-ms: 1764000000000',
      'traceparent: 00-trace',
      'tracestate: a=b',
      'content-length: 14',
    ]),
  );
  t.is(Buffer.from(body ?? '', 'utf8').toString(), call.body);
});

test('without a trace none is sent', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'));
  await upstream.send(within(5000), ignored);
  t.notRegex(received.join(''), /trace/i);
});

test('a connection serves one call after another', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'), {connections: 1});
  for (let calls = 0; calls < 5; calls++) await upstream.send(within(5000), ignored);
  t.is(received.length, 1);
  t.is(received[0]?.match(/POST \//g)?.length, 5);
});

const named = (invocationId: string, body = '{}') => ok(body).replace('\r\n', `\r\nCore-Invocation-Id: ${invocationId}\r\n`);

/** One call after another, with these ids; what each came to. */
async function sendInTurn(upstream: Upstream, ids: readonly string[], body = call.body): Promise<string[]> {
  const outcomes: string[] = [];
  for (const invocationId of ids) {
    const sent = upstream.send({...within(5000), invocationId, body}, ignored);
    outcomes.push(
      await sent.then(
        reply => String(reply.body),
        (fault: Fault) => fault.code,
      ),
    );
  }
  return outcomes;
}

/** How many calls each connection got. */
const callsOf = (received: readonly string[]) => received.map(sent => sent.split('POST / ').length - 1);

test('each call to a foreign sub-runtime that names none has a connection of its own', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'), {connections: 1, isForeign: true});
  t.deepEqual(await sendInTurn(upstream, ['a', 'b', 'c']), ['{}', '{}', '{}']);
  t.deepEqual(callsOf(received), [1, 1, 1]);
  for (const sent of received) t.regex(sent, /\r\nconnection: close\r\n/i);
});

test('a connection to a foreign sub-runtime that names its calls serves one after another', async t => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const answer = (socket: Socket, requests: number) => socket.write(named(ids[requests - 1] ?? ''));
  const {upstream, received} = await misbehaving(t, answer, {connections: 1, isForeign: true});
  t.deepEqual(await sendInTurn(upstream, ids), ['{}', '{}', '{}', '{}', '{}']);
  t.deepEqual(callsOf(received), [1, 4], 'the first shows that it does');
});

test('a larger request has a connection of its own, although the sub-runtime names its calls', async t => {
  const {upstream, received} = await misbehaving(t, named('a'), {connections: 1, isForeign: true});
  t.deepEqual(await sendInTurn(upstream, ['a', 'a', 'a'], `"${'x'.repeat(20_000)}"}`), ['{}', '{}', '{}']);
  t.deepEqual(callsOf(received), [1, 1, 1]);
});

for (const [title, stray] of [
  ['that names the call before', named('b', '{"of":"b"}')],
  ['that names no call', ok('{"of":"b"}')],
  ['that names two calls', named('c', '{"of":"b"}').replace('\r\n', '\r\nCore-Invocation-Id: b\r\n')],
] as const) {
  test(`a second reply ${title} is not the next call’s, and from then on no connection is kept`, async t => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const closed = Promise.withResolvers<void>();
    const answer = (socket: Socket, requests: number) => {
      if (requests === 3) socket.once('close', closed.resolve).write(stray);
      else socket.write(named(ids[requests - 1] ?? ''));
    };
    const {upstream, received} = await misbehaving(t, answer, {connections: 1, isForeign: true});
    t.deepEqual(await sendInTurn(upstream, ids), ['{}', '{}', 'UPSTREAM_PROTOCOL', '{}', '{}']);
    await closed.promise;
    t.deepEqual(callsOf(received), [1, 2, 1, 1]);
  });
}

test('a second reply that comes with the first is nobody’s, and ends the connection', async t => {
  const ids = ['a', 'b', 'c', 'd'];
  const answer = (socket: Socket, requests: number) => {
    const reply = named(ids[requests - 1] ?? '');
    socket.write(requests === 2 ? reply + reply : reply);
  };
  const {upstream, received} = await misbehaving(t, answer, {connections: 1, isForeign: true});
  t.deepEqual(await sendInTurn(upstream, ids), ['{}', '{}', '{}', '{}']);
  t.is(callsOf(received)[1], 1);
});

test('a reply of ours that names another call is refused, too', async t => {
  const {upstream} = await misbehaving(t, named('another'));
  t.deepEqual(await sendInTurn(upstream, ['a']), ['UPSTREAM_PROTOCOL']);
});

test('calls at a time have a connection each', async t => {
  const {upstream, received} = await misbehaving(t, (socket, requests) => {
    if (requests === 3) for (const other of sockets) other.write(ok('{}'));
    else sockets.push(socket);
    if (requests === 3) socket.write(ok('{}'));
  });
  const sockets: Socket[] = [];
  await Promise.all([within(5000), within(5000), within(5000)].map(each => upstream.send(each, ignored)));
  t.is(received.length, 3);
});

test('a connection that the sub-runtime closed while idle is not used again', async t => {
  const {upstream, received} = await misbehaving(t, socket => socket.end(ok('{}')));
  for (let calls = 0; calls < 3; calls++) await upstream.send(within(5000), ignored);
  t.is(received.length, 3);
});

test('a socket that takes nobody leaves the call to the port', async t => {
  const {upstream: onPort, port, received} = await misbehaving(t, ok('{}'));
  onPort.destroy(new Fault('DRAINING'));
  const options = {host: '127.0.0.1', port, socket: newSocket(), connections: 1, maxReplyBytes: 1000, bridgeToken: 'x'};
  const upstream = new Upstream(options, systemClock);
  t.teardown(() => upstream.destroy(new Fault('DRAINING')));
  t.is(String((await upstream.send(within(5000), ignored)).body), '{}');
  t.is(received.length, 1);
});

test('where both refuse nothing ran', async t => {
  const options = {host: '127.0.0.1', port: 1, socket: newSocket(), connections: 1, maxReplyBytes: 1000, bridgeToken: 'x'};
  const upstream = new Upstream(options, systemClock);
  t.teardown(() => upstream.destroy(new Fault('DRAINING')));
  const {reply, ends} = sendAndHear(upstream, within(5000));
  await t.throwsAsync(reply, {instanceOf: NotSent});
  t.like(ends, [{mayRun: false, broke: true}]);
});

test('calls beyond the queue of a socket come in by the port', async t => {
  const busy = fork(fixture, {execArgv: []});
  t.teardown(() => busy.kill());
  const [{port, socket}] = (await once(busy, 'message')) as [{port: number; socket: string}];
  const upstream = new Upstream({host: '127.0.0.1', port, socket, connections: 20, maxReplyBytes: 1000, bridgeToken: 'x'}, systemClock);
  t.teardown(() => upstream.destroy(new Fault('DRAINING')));
  const replies = await Promise.all(Array.from({length: 20}, () => upstream.send(within(10_000), ignored)));
  const doors = replies.map(({body}) => String(body));
  t.true(doors.includes('"socket"') && doors.includes('"port"'), doors.join());
});

test('the loopback address of IPv6 is reached, too', async t => {
  const server = http.createServer((_request, response) => response.end('"v6"'));
  server.listen(0, '::1');
  const [failed] = await Promise.race([once(server, 'listening'), once(server, 'error')]);
  if (failed) return t.pass(); // this machine has no IPv6
  const {port} = server.address() as AddressInfo;
  const upstream = new Upstream({host: '::1', port, connections: 1, maxReplyBytes: 1000, bridgeToken: 'x'}, systemClock);
  t.teardown(() => {
    upstream.destroy(new Fault('DRAINING'));
    server.close();
  });
  t.is(String((await upstream.send(within(5000), ignored)).body), '"v6"');
});

test('nothing in the environment puts a proxy in between', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'));
  process.env.http_proxy = process.env.HTTP_PROXY = 'http://127.0.0.1:1';
  t.teardown(() => {
    delete process.env.http_proxy;
    delete process.env.HTTP_PROXY;
  });
  await upstream.send(within(5000), ignored);
  t.is(received.length, 1);
});

/** Sends and collects how the sub-runtime was done with the call. */
function sendAndHear(upstream: Upstream, sent: RuntimeCall) {
  const ends: CallEnd[] = [];
  const over = Promise.withResolvers<void>();
  const reply = upstream.send(sent, end => {
    ends.push(end);
    over.resolve();
  });
  return {reply, ends, over: over.promise};
}

test('a call past its deadline is not over before the sub-runtime has answered', async t => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<Socket>();
  const {upstream} = await misbehaving(t, socket => asked.resolve(socket), {}, clock);
  const {reply, ends, over} = sendAndHear(upstream, {...call, deadline: 5000});
  const socket = await asked.promise;
  await Promise.all([t.throwsAsync(reply, {code: 'UPSTREAM_TIMEOUT'}), clock.advance(5000)]);
  t.deepEqual(ends, []);
  socket.write(ok('{}'));
  await over;
  t.like(ends, [{mayRun: true, broke: false}]);
});

test('a caller that leaves closes the connection, and the call may have run', async t => {
  const caller = new AbortController();
  const closed = Promise.withResolvers<void>();
  const {upstream} = await misbehaving(t, socket => {
    socket.once('close', () => closed.resolve());
    caller.abort();
  });
  const {reply, ends} = sendAndHear(upstream, {...within(5000), signal: caller.signal});
  await t.throwsAsync(reply, {code: 'CALLER_LEFT'});
  await closed.promise;
  t.like(ends, [{mayRun: true, broke: false}]);
});

for (const [bytes, sentWhole] of [
  [100, true],
  [32 * 2 ** 20, false],
] as const) {
  test(`a caller that leaves while ${bytes} bytes are sent to one that does not read: sent whole is ${sentWhole}`, async t => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const {port} = server.address() as AddressInfo;
    const upstream = new Upstream({host: '127.0.0.1', port, connections: 1, maxReplyBytes: 1000, bridgeToken: 'secret'}, systemClock);
    t.teardown(() => {
      upstream.destroy(new Fault('DRAINING'));
      server.close();
    });
    const caller = new AbortController();
    const {reply, ends} = sendAndHear(upstream, {...call, body: 'x'.repeat(bytes), signal: caller.signal});
    const [socket] = (await once(server, 'connection')) as [Socket];
    t.teardown(() => socket.destroy());
    socket.once('readable', () => caller.abort()); // nobody reads what is behind its first buffer
    await t.throwsAsync(reply, {code: 'CALLER_LEFT'});
    t.like(ends, [{mayRun: true, sentWhole}]);
  });
}

test('a caller that left before the call could leave keeps it from being sent', async t => {
  const caller = new AbortController();
  const {upstream, received} = await misbehaving(t, ok('{}'), {connections: 1});
  const first = upstream.send(within(5000), ignored);
  const {reply, ends, over} = sendAndHear(upstream, {...within(5000), signal: caller.signal});
  caller.abort();
  await t.throwsAsync(reply, {code: 'CALLER_LEFT'});
  await Promise.all([first, over]);
  t.like(ends, [{mayRun: false, broke: false}]);
  t.is(received.join('').match(/POST \/ /g)?.length, 1);
});

test('a connection that breaks off is told as such, a wrong reply is not', async t => {
  const lost = sendAndHear((await misbehaving(t, socket => socket.resetAndDestroy())).upstream, within(5000));
  await t.throwsAsync(lost.reply, {code: 'UPSTREAM_LOST'});
  t.like(lost.ends, [{mayRun: true, broke: true}]);
  const wrong = sendAndHear((await misbehaving(t, 'hello world\r\n\r\n')).upstream, within(5000));
  await t.throwsAsync(wrong.reply, {code: 'UPSTREAM_PROTOCOL'});
  t.like(wrong.ends, [{mayRun: true, broke: false}]);
});
