import v8 from 'node:v8';
import vm from 'node:vm';
import test from 'ava';
import {Budget} from '../../src/limits/budget.ts';
import {frameOf, openChannel, resultOf, turns} from '../helpers/channel.ts';
import {ManualClock} from '../helpers/clock.ts';

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
