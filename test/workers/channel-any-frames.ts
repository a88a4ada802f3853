import test from 'ava';
import fc from 'fast-check';
import {Fault} from '../../src/errors.ts';
import {Budget} from '../../src/limits/budget.ts';
import {frameOf, openChannel, resultOf} from '../helpers/channel.ts';
import {ManualClock} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';

const bytes = fc.oneof(fc.constantFrom(0, 1, 5, 65_536, 262_144, 600_000, 2 ** 21, 0xffff_fffe, 0xffff_ffff), fc.nat(300_000));
const call = fc.oneof({weight: 9, arbitrary: fc.integer({min: 1, max: 3})}, {weight: 1, arbitrary: fc.constantFrom(0, 99, 0xffff_ffff)});
const payload = fc.oneof(fc.constantFrom(0, 1, 9, 1000, 65_536), fc.nat(70_000)).map(length => Buffer.alloc(length, 'x'));

const step = fc.oneof(
  fc.record({does: fc.constant('send' as const), body: fc.constantFrom(0, 100, 100_000), deadline: fc.constantFrom(50, 500, 60_000)}),
  fc.record({does: fc.constant('leave' as const), which: fc.nat(9)}),
  fc.record({does: fc.constant('wait' as const), ms: fc.constantFrom(1, 60, 150, 2000)}),
  fc.record({
    does: fc.constant('result' as const),
    call,
    form: fc.constantFrom(0, 0, 1, 1, 2, 2, 3),
    jsonBytes: bytes,
    bodyBytes: bytes,
    payload,
  }),
  fc.record({does: fc.constant('whole' as const), call, payload}),
  fc.record({does: fc.constant('frame' as const), type: fc.constantFrom(18, 18, 18, 19, 19, 20, 21, 99, 1), call, payload}),
  fc.record({does: fc.constant('noise' as const), noise: fc.uint8Array({minLength: 1, maxLength: 40})}),
);

const begun = Array.from({length: 3}, () => ({does: 'send', body: 0, deadline: 500}) as const);

test('whatever frames come, each call ends once, each caller is answered, and nothing stays held', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, {minLength: 1, maxLength: 20}), fc.nat(20), async (steps, cut) => {
      const clock = new ManualClock();
      const budget = new Budget(2 ** 20, clock);
      const {channel, send, say, told} = openChannel(t, {maxReplyBytes: 2 ** 20}, clock);
      const callers: AbortController[] = [];
      const sent: Awaited<ReturnType<typeof send>>[] = [];
      const holds: ReturnType<Budget['open']>[] = [];
      const pieces = async (whole: Buffer) => (cut > 0 ? say(whole.subarray(0, cut), whole.subarray(cut)) : say(whole));
      for (const each of [...begun, ...steps]) {
        if (each.does === 'send') {
          const caller = new AbortController();
          const replyHold = budget.open('reply');
          const event = {...writtenEvent(), body: Buffer.alloc(each.body)};
          callers.push(caller);
          holds.push(replyHold);
          sent.push(await send({event, replyHold, signal: caller.signal, deadline: clock.monotonic() + each.deadline}));
        } else if (each.does === 'leave') callers[each.which]?.abort();
        else if (each.does === 'wait') await clock.advance(each.ms);
        else if (each.does === 'result')
          await pieces(resultOf(each.call, {form: each.form, jsonBytes: each.jsonBytes, bodyBytes: each.bodyBytes, body: each.payload}));
        else if (each.does === 'whole') await pieces(resultOf(each.call, {form: 1, body: each.payload}));
        else if (each.does === 'frame') await pieces(frameOf(each.type, each.call, each.payload));
        else await say(Buffer.from(each.noise));
      }
      channel.destroy(new Fault('UPSTREAM_LOST'));
      for (const {reply, ends} of sent) {
        const answer = await reply;
        t.true(answer instanceof Error || 'status' in answer);
        t.is(ends.length, 1);
      }
      for (const hold of holds) hold.release();
      t.is(budget.heldBytes, 0);
      t.is(budget.wantedBytes, 0);
      t.true(told.filter(what => what !== 'alive' && what !== 'silent').length <= 1, 'it is replaced once');
    }),
    {numRuns: 1500},
  );
});
