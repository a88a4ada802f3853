import {once} from 'node:events';
import http from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {textOf, writtenEvent} from '../helpers/event.ts';
import {call, ignored, misbehaving, ok, within} from '../helpers/upstream.ts';

test('the request is the contract’s: one POST to /, our fields, the body as it stands', async t => {
  const {upstream, port, received} = await misbehaving(t, ok('{}'));
  const trace = {traceparent: '00-trace', tracestate: 'a=b'};
  const text = textOf(call.event, trace);
  await upstream.send({...within(5000), trace}, ignored);
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
      `content-length: ${Buffer.byteLength(text)}`,
    ]),
  );
  t.is(body, text);
});

test('without a trace none is sent', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'));
  await upstream.send(within(5000), ignored);
  t.notRegex(received.join('').split('\r\n\r\n')[0] ?? '', /trace/i);
});

test('a connection serves one call after another', async t => {
  const {upstream, received} = await misbehaving(t, ok('{}'), {connections: 1});
  for (let calls = 0; calls < 5; calls++) await upstream.send(within(5000), ignored);
  t.is(received.length, 1);
  t.is(received[0]?.match(/POST \//g)?.length, 5);
});

const named = (invocationId: string, body = '{}') => ok(body).replace('\r\n', `\r\nCore-Invocation-Id: ${invocationId}\r\n`);

/** One call after another, with these ids; what each came to. */
async function sendInTurn(upstream: Upstream, ids: readonly string[], event = call.event): Promise<string[]> {
  const outcomes: string[] = [];
  for (const invocationId of ids) {
    const sent = upstream.send({...within(5000), invocationId, event}, ignored);
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
  t.deepEqual(await sendInTurn(upstream, ['a', 'a', 'a'], writtenEvent('x'.repeat(20_000))), ['{}', '{}', '{}']);
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

test('a second reply that comes with the first reaches no caller, and ends the connection', async t => {
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

test('a reply that names its call in letters of another case names another call: ids may differ by case alone', async t => {
  const {upstream} = await misbehaving(t, named('a'), {connections: 1, isForeign: true});
  t.deepEqual(await sendInTurn(upstream, ['a', 'A']), ['{}', 'UPSTREAM_PROTOCOL']);
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
