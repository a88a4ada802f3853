import {once} from 'node:events';
import net, {type AddressInfo, type Socket} from 'node:net';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {Upstream} from '../../src/workers/hop/http.ts';
import {ManualClock} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';
import {call, ignored, misbehaving, ok, sendAndHear, within} from '../helpers/upstream.ts';

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
    const {reply, ends} = sendAndHear(upstream, {...call, event: writtenEvent('x'.repeat(bytes)), signal: caller.signal});
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

test('a connection that breaks off is reported as broken, a wrong reply is not', async t => {
  const lost = sendAndHear((await misbehaving(t, socket => socket.resetAndDestroy())).upstream, within(5000));
  await t.throwsAsync(lost.reply, {code: 'UPSTREAM_LOST'});
  t.like(lost.ends, [{mayRun: true, broke: true}]);
  const wrong = sendAndHear((await misbehaving(t, 'hello world\r\n\r\n')).upstream, within(5000));
  await t.throwsAsync(wrong.reply, {code: 'UPSTREAM_PROTOCOL'});
  t.like(wrong.ends, [{mayRun: true, broke: false}]);
});
