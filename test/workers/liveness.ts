import test from 'ava';
import {Liveness} from '../../src/workers/hop/liveness.ts';
import {frameOf, openChannel, resultOf} from '../helpers/channel.ts';
import {ManualClock} from '../helpers/clock.ts';

const ping = 5;
const pong = frameOf(21, 0);

test('a process that shares nothing is never asked', async t => {
  const {send, clock, ofType, channel} = openChannel(t, {concurrency: 1});
  t.false(channel.isUnasked, 'while its only call is open it gets no other');
  await send();
  await clock.advance(60_000);
  t.deepEqual(ofType(ping), []);
  t.false(channel.isDoubtful);
});

test('a process that said that it does not answer while handlers run is never asked', async t => {
  const {send, clock, ofType, channel} = openChannel(t, {answersPing: false});
  t.true(channel.isUnasked, 'so its replies are looked at');
  await send();
  await send();
  await clock.advance(60_000);
  t.deepEqual(ofType(ping), []);
  t.false(channel.isDoubtful);
});

test('a process without a call is not asked, and no timer runs', async t => {
  const {send, say, clock, ofType} = openChannel(t);
  await send();
  await say(resultOf(1, {json: '1'}));
  await clock.advance(1000);
  t.deepEqual(ofType(ping), []);
  t.is(clock.pending, 0);
});

test('it is asked after 100 ms without a frame, and gets no call until one comes', async t => {
  const {send, say, clock, ofType, channel, told} = openChannel(t);
  await send();
  await clock.advance(99);
  t.false(channel.isDoubtful);
  await clock.advance(1);
  t.true(channel.isDoubtful);
  t.is(ofType(ping).length, 1);
  await say(pong);
  t.false(channel.isDoubtful);
  t.deepEqual(told, ['alive']);
  await clock.advance(100);
  t.is(ofType(ping).length, 2, 'while the call is open it is asked again');
});

test('a call after a pause has its 100 ms, although the look was for the call before it', async t => {
  const {send, say, clock, ofType} = openChannel(t);
  await send();
  await say(resultOf(1, {json: '1'}));
  await clock.advance(99);
  await send();
  await clock.advance(99);
  t.deepEqual(ofType(ping), []);
  await clock.advance(1);
  t.is(ofType(ping).length, 1);
});

test('a frame of any call says that it is alive', async t => {
  const {send, say, clock, ofType, channel} = openChannel(t);
  await send();
  await send();
  await clock.advance(60);
  await say(resultOf(2, {json: '1'}));
  await clock.advance(60);
  t.deepEqual(ofType(ping), []);
  await clock.advance(40);
  t.true(channel.isDoubtful);
  await say(resultOf(1, {json: '1'}));
  t.false(channel.isDoubtful);
});

test('when the answer is a quarter of a second late it is silent, which is said until it answers', async t => {
  const {send, say, clock, channel, told} = openChannel(t);
  await send();
  await clock.advance(349);
  t.false(channel.isSilent);
  await clock.advance(1);
  t.true(channel.isSilent);
  t.deepEqual(told, ['silent']);
  await clock.advance(50);
  t.deepEqual(told, ['silent', 'silent', 'silent']);
  await say(pong);
  t.false(channel.isSilent);
  t.deepEqual(told.slice(3), ['alive']);
  await clock.advance(60);
  t.is(told.length, 4);
});

test('an answer that lies on the socket while the core itself was busy is heard before the process counts as silent', async t => {
  const clock = new ManualClock();
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const liveness = new Liveness(
    {isShared: true, isIdle: () => false, ping: tell('ping'), onSilent: tell('silent'), onAlive: tell('alive')},
    clock,
  );
  clock.turn = async () => liveness.heard(); // the event loop looks at the network
  liveness.called(clock.monotonic(), true);
  await clock.advance(400);
  t.deepEqual(told, ['ping', 'alive']);
  t.false(liveness.isSilent);
  liveness.close();
});

test('where timers come late, as the container gets hardly any processor, the process has longer to answer', async t => {
  const clock = new ManualClock();
  const after = clock.after.bind(clock);
  clock.after = (ms, fire) => after(Math.max(ms, 200), fire);
  const {send, told} = openChannel(t, {}, clock);
  await send();
  await clock.advance(2199);
  t.deepEqual(told, []);
  await clock.advance(1);
  t.deepEqual(told, ['silent']);
});

test('a broken channel is not watched any more', async t => {
  const {send, theirs, clock, told} = openChannel(t);
  await send();
  theirs.end();
  await clock.advance(1000);
  t.deepEqual(told, ['closed']);
  t.is(clock.pending, 0);
});
