import type {Socket} from 'node:net';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {NotSent, type RuntimeReply} from '../../src/runtime.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {ManualClock} from '../helpers/clock.ts';
import {refusingPort} from '../helpers/port.ts';
import {call, head, ignored, misbehaving, ok, sendAndHear, within} from '../helpers/upstream.ts';

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

for (const [title, answer, code] of broken) {
  test(`502 for a sub-runtime that ${title}`, async t => {
    const {upstream} = await misbehaving(t, answer);
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
test('504 at the deadline for a sub-runtime that stops after the head', t =>
  timesOut(t, socket => socket.write(head('Content-Length: 5'))));
test('504 at the deadline for a sub-runtime that never ends its body', t =>
  timesOut(t, socket => socket.write(`${head('Connection: close')}abc`)));
test('504 at the deadline for a sub-runtime that sends only interim answers', t =>
  timesOut(t, socket => socket.write(head('X: y', '103 Early Hints').repeat(50))));

test('504 at the deadline for a reply that drips without end', async t => {
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
