import v8 from 'node:v8';
import vm from 'node:vm';
import test from 'ava';
import {Budget} from '../../src/limits/budget.ts';
import {frameOf, openChannel, resultOf, turns} from '../helpers/channel.ts';
import {ManualClock} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

const window = 262_144;
const credit = 4;
const cancel = 3;

test('a RESULT that announces 8 GiB breaks the protocol', async t => {
  const {send, say, told} = openChannel(t);
  const {reply} = await send();
  await say(resultOf(1, {jsonBytes: 0xffff_ffff, bodyBytes: 0xffff_fffe}));
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.regex(told[0] ?? '', /a RESULT of 8589934589 bytes/);
});

test('a FAILED beyond 64 KiB breaks the protocol', async t => {
  const {send, say, told} = openChannel(t);
  const {reply} = await send();
  await say(frameOf(20, 1, Buffer.alloc(65_537, 'x')));
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.regex(told[0] ?? '', /a FAILED of 65537 bytes/);
});

test('a long reply that begins after its caller got 504 is let through, and its place becomes free', async t => {
  const {send, say, clock, ofType} = openChannel(t);
  const {reply, ends} = await send({deadline: 5000});
  await clock.advance(5000);
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
  await say(resultOf(1, {form: 1, bodyBytes: 600_000, body: Buffer.alloc(window)}));
  t.is(ofType(credit)[0]?.payload.readUInt32BE(), 600_000 - window);
  await say(frameOf(18, 1, Buffer.alloc(600_000 - window)));
  t.like(ends, [{isOver: true}]);
});

test('a long reply that waits for room when its caller gets 504 is let through, too', async t => {
  const clock = new ManualClock();
  const budget = new Budget(2 ** 20, clock);
  budget.open('reply').set(2 ** 20);
  const {send, say, ofType} = openChannel(t, {}, clock);
  const replyHold = budget.open('reply');
  const {reply, ends} = await send({deadline: 100, replyHold});
  await say(resultOf(1, {form: 1, bodyBytes: 600_000, body: Buffer.alloc(window)}));
  t.deepEqual(ofType(credit), []);
  await clock.advance(100);
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
  replyHold.release(); // as its caller has been answered
  await turns();
  t.is(ofType(credit)[0]?.payload.readUInt32BE(), 600_000 - window);
  await say(frameOf(18, 1, Buffer.alloc(600_000 - window)));
  t.like(ends, [{isOver: true}]);
});

test('a reply of unknown length whose caller got 504 is cancelled, whether it began before or begins after', async t => {
  for (const isBefore of [true, false]) {
    const {send, say, clock, ofType} = openChannel(t);
    const {reply, ends} = await send({deadline: 5000});
    const begin = resultOf(1, {form: 1, body: 'x', bodyBytes: 0xffff_ffff});
    if (isBefore) await say(begin);
    await clock.advance(5000);
    if (!isBefore) await say(begin);
    await turns();
    t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
    t.is(ofType(cancel).length, 1);
    await say(frameOf(19, 1));
    t.like(ends, [{isOver: true}]);
  }
});

test('a reply without an end is refused at the limit, cancelled once, and gets no more credit', async t => {
  const {send, say, ofType, told} = openChannel(t, {maxReplyBytes: 2 ** 20});
  const {reply} = await send();
  await say(resultOf(1, {form: 2, bodyBytes: 0xffff_ffff}));
  let granted = window;
  let sent = 0;
  while (granted > sent) {
    await say(frameOf(18, 1, Buffer.alloc(32_768)));
    sent += 32_768;
    granted = window + ofType(credit).reduce((sum, {payload}) => sum + payload.readUInt32BE(), 0);
  }
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.true(sent <= 2 ** 20 + 2 * window);
  t.is(ofType(cancel).length, 1);
  t.deepEqual(told, []);
  await say(frameOf(18, 1, 'x'));
  t.regex(told[0] ?? '', /more bytes of a reply than it has credit for/);
});

test('calls that were cancelled before they were sent whole leave their places, but not without end', async t => {
  const {send, theirs} = openChannel(t, {concurrency: 1});
  theirs.pause();
  const event = {...writtenEvent(), body: Buffer.alloc(2 ** 20)};
  const ends: number[] = [];
  for (let calls = 0; calls < 200; calls++) {
    const caller = new AbortController();
    const sent = await send({event, signal: caller.signal});
    caller.abort();
    t.like(await sent.reply, {code: 'CALLER_LEFT'});
    if (sent.ends.length === 0) break;
    ends.push(calls);
  }
  t.true(ends.length > 1 && ends.length < 200, `${ends.length} places were left`);
});

test('a process that reads nothing gets no more calls, and is asked once whether it is alive', async t => {
  const {send, theirs, told, channel, clock, say} = openChannel(t, {concurrency: 1000});
  theirs.pause();
  let calls = 0;
  while (!channel.isDoubtful && calls < 1000) {
    await send({event: {...writtenEvent(), body: Buffer.alloc(16_000)}});
    calls++;
  }
  t.true(calls > 16 && calls < 200, `${calls} calls`);
  await clock.advance(350);
  t.deepEqual(told, ['silent']);
  for (let rounds = 0; rounds < 50; rounds++) {
    await say(resultOf(++rounds, {json: '1'})); // as if it had read them
    await clock.advance(200);
  }
  t.true(channel.isSilent, 'what it says does not count as long as it does not read');
});

test('PING is not sent again before its PONG came', async t => {
  const {send, say, ofType, clock} = openChannel(t);
  for (let calls = 1; calls <= 3; calls++) {
    await send();
    await clock.advance(100);
    await say(resultOf(calls, {json: '1'}));
  }
  t.is(ofType(5).length, 1);
  await say(frameOf(21, 0));
  await send();
  await clock.advance(100);
  t.is(ofType(5).length, 2);
});

for (const [title, frame] of [
  ['PONGs', frameOf(21, 0)],
  ['unknown frames', frameOf(99, 0, Buffer.alloc(1000))],
  ['empty DATA', frameOf(18, 1)],
] as const) {
  test(`${title} without end break the protocol; a few do not`, async t => {
    const {send, say, told, clock} = openChannel(t);
    const {reply} = await send();
    await say(resultOf(1, {form: 1, bodyBytes: 100}));
    const some = Buffer.concat(Array.from({length: Math.floor(65_000 / frame.length)}, () => frame));
    for (let seconds = 0; seconds < 10; seconds++) {
      for (let parts = 0; parts < 14; parts++) await say(some);
      await clock.advance(1100);
    }
    t.deepEqual(
      told.filter(what => /broke/.test(what)),
      [],
    );
    for (let parts = 0; parts < 40; parts++) await say(some);
    t.regex(told.at(-1) ?? '', /more than 1 MiB a second that belongs to no reply/);
    t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  });
}

for (const [title, bodyBytes] of [
  ['of known length', 200_000],
  ['longer than the window', 300_000],
  ['of unknown length', 0xffff_ffff],
] as const) {
  test.serial(`a reply ${title} in frames of one byte takes hardly more memory than its bytes`, async t => {
    const {send, say, told} = openChannel(t, {maxReplyBytes: 2 ** 22});
    const {reply} = await send();
    const length = bodyBytes === 0xffff_ffff ? 260_000 : bodyBytes;
    await say(resultOf(1, {form: 2, bodyBytes}));
    const frames = Buffer.concat(Array.from({length: 1000}, () => frameOf(18, 1, 'x')));
    const before = heldBytes();
    for (let sent = 1000; sent < length; sent += 1000) await say(frames);
    t.true(heldBytes() - before < 2 ** 21, `${heldBytes() - before} bytes`);
    await say(frames);
    if (bodyBytes === 0xffff_ffff) await say(frameOf(19, 1));
    t.deepEqual(told, []);
    t.true(((await reply) as {content: {body: Buffer}}).content.body.equals(Buffer.alloc(length, 'x')));
  });
}

function heldBytes(): number {
  collect();
  const {heapUsed, external} = process.memoryUsage();
  return heapUsed + external;
}
