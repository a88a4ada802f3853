import {getEventListeners} from 'node:events';
import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {NotSent} from '../../src/runtime.ts';
import {frameOf, openChannel, resultOf, turns} from '../helpers/channel.ts';

const broken: [title: string, bytes: Buffer, why: RegExp][] = [
  ['a frame past the limit', frameOf(18, 1, '').fill(0xff, 0, 4), /a frame of 4294967295 bytes, longest = 1048576/],
  ['a RESULT without room for its lengths', frameOf(17, 1, 'short'), /a RESULT of 5 bytes/],
  ['a RESULT of an unknown form', resultOf(1, {form: 3}), /form 3/],
  ['a RESULT for a call that is not open', resultOf(7, {json: '1'}), /call 7, which is not open/],
  ['a FAILED for a call that is not open', frameOf(20, 7, 'no'), /call 7, which is not open/],
  ['an END for a call that is not open', frameOf(19, 7), /call 7, which is not open/],
  ['DATA before its RESULT', frameOf(18, 1, 'x'), /DATA before its RESULT/],
  ['a second RESULT', Buffer.concat([resultOf(1, {body: 'a', form: 1, bodyBytes: 5}), resultOf(1, {json: '1'})]), /a second RESULT/],
  ['more bytes than its RESULT announced', resultOf(1, {form: 1, body: 'abc', bodyBytes: 2}), /more bytes than its RESULT announced/],
  ['END in the place of a reply', frameOf(19, 1), /END without a reply/],
  ['END in the middle of a reply', Buffer.concat([resultOf(1, {form: 1, body: 'a', bodyBytes: 5}), frameOf(19, 1)]), /END without a reply/],
];

for (const [title, bytes, why] of broken) {
  test(`${title} breaks the protocol: 502 for every open call, and the process is to be replaced`, async t => {
    const {send, say, told, channel} = openChannel(t);
    const first = await send();
    const second = await send();
    await say(bytes);
    for (const {reply, ends} of [first, second]) {
      const fault = await reply;
      t.true(fault instanceof Fault);
      t.is((fault as Fault).code, 'UPSTREAM_PROTOCOL');
      t.regex((fault as Fault).message, why);
      t.like(ends, {length: 1, 0: {mayRun: true, isOver: false, answered: false}});
    }
    t.is(told.length, 1);
    t.regex(told[0] ?? '', why);
    const late = await send();
    t.true((await late.reply) instanceof NotSent);
    t.like(late.ends, [{mayRun: false, isOver: true}]);
    t.false(channel.isDoubtful);
  });
}

test('more bytes of a reply than it has credit for break the protocol', async t => {
  const {send, say, told} = openChannel(t, {maxReplyBytes: 2 ** 21});
  const waits = {growReply: () => false, keep() {}, letGo() {}} as never; // there is no room for it
  const {reply} = await send({replyHold: waits});
  await say(resultOf(1, {form: 1, bodyBytes: 600_000, body: Buffer.alloc(200_000)}));
  t.deepEqual(told, []);
  await say(frameOf(18, 1, Buffer.alloc(62_144)), frameOf(18, 1, 'x'));
  t.regex(String(await reply), /more bytes of a reply than it has credit for/);
});

test('JSON that is not UTF-8 is a 502, and the process lives on', async t => {
  const {send, say, told} = openChannel(t);
  const {reply, ends} = await send();
  await say(frameOf(17, 1, Buffer.from([0, 0, 0, 0, 3, 0, 0, 0, 0, 0x22, 0xff, 0x22])));
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.deepEqual(told, []);
  t.like(ends, [{isOver: true}]);
});

test('a reply that is larger than any limit is refused, and its bytes are let through until it ends', async t => {
  const {send, say, ofType} = openChannel(t, {maxReplyBytes: 1000});
  const {reply, ends} = await send();
  await say(resultOf(1, {form: 1, bodyBytes: 300_000, body: 'x'}));
  t.like(await reply, {code: 'UPSTREAM_PROTOCOL'});
  t.deepEqual(ends, []);
  t.is(ofType(4)[0]?.payload.readUInt32BE(), 300_000 - 262_144);
  await say(frameOf(18, 1, Buffer.alloc(299_999)));
  t.like(ends, [{isOver: true}]);
});

test('the process closes its end: open calls are lost, later ones were not sent', async t => {
  const {send, theirs, told} = openChannel(t);
  const {reply, ends} = await send();
  theirs.end();
  await turns();
  t.like(await reply, {code: 'UPSTREAM_LOST'});
  t.like(ends, [{mayRun: true, isOver: false, broke: true}]);
  t.deepEqual(told, ['closed']);
});

test('at the deadline the caller gets 504, and the place stays taken until the call is over', async t => {
  const {send, say, clock} = openChannel(t);
  const {reply, ends} = await send({deadline: 5000});
  await clock.advance(5000);
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT', message: 'The function did not answer within 5000 ms'});
  t.deepEqual(ends, []);
  await say(resultOf(1, {json: '1'}));
  t.like(ends, [{isOver: true, answered: true}]);
});

test('a reply that is read after the deadline is 504, although our timer was late', async t => {
  const {send, say, clock} = openChannel(t);
  const {reply} = await send({deadline: 5000});
  clock.monotonic = () => 5000; // its timer has not fired
  await say(resultOf(1, {json: '1'}));
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
});

test('a call past its deadline is not sent', async t => {
  const {send, frames} = openChannel(t);
  const {reply, ends} = await send({deadline: 0});
  t.like(await reply, {code: 'UPSTREAM_TIMEOUT'});
  t.like(ends, [{mayRun: false, isOver: true}]);
  t.deepEqual(frames, []);
});

test('a signal that calls share has one listener, and breaks off those that are open', async t => {
  const {send, say, ofType, channel} = openChannel(t);
  const [core, other] = [new AbortController(), new AbortController()];
  const shared = {signal: core.signal, isSignalShared: true};
  const calls = [await send(shared), await send(shared), await send({signal: other.signal, isSignalShared: true})];
  t.is(getEventListeners(core.signal, 'abort').length, 1);
  await say(resultOf(1, {json: '1'}));
  t.like(await calls[0]?.reply, {json: '1'});
  core.abort();
  t.like(await calls[1]?.reply, {code: 'CALLER_LEFT'});
  await turns();
  t.deepEqual(
    ofType(3).map(({call}) => call),
    [2],
  );
  channel.destroy(new Fault('UPSTREAM_LOST'));
  t.like(await calls[2]?.reply, {code: 'UPSTREAM_LOST'});
  t.is(getEventListeners(other.signal, 'abort').length, 0);
});

test('a caller that leaves cancels its call; any end of it frees the place', async t => {
  for (const end of [frameOf(19, 1), frameOf(20, 1, 'cancelled'), resultOf(1, {json: '1'})]) {
    const {send, say, ofType} = openChannel(t);
    const caller = new AbortController();
    const {reply, ends} = await send({signal: caller.signal});
    caller.abort();
    t.like(await reply, {code: 'CALLER_LEFT'});
    await turns();
    t.deepEqual(
      ofType(3).map(({call}) => call),
      [1],
    );
    t.deepEqual(ends, []);
    await say(end);
    t.like(ends, [{isOver: true}]);
  }
});
