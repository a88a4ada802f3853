import test from 'ava';
import {event} from '../../middleware/event.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {writtenEvent} from '../helpers/event.ts';
import {FakeDelivery, recordingMeter, requestInput, stageContext} from '../helpers/fakes.ts';

function prepare({
  record,
  ...given
}: {
  writeAhead?: boolean;
  defers?: () => boolean;
  goesOn?: () => boolean;
  record?: () => Promise<unknown>;
} = {}) {
  const clock = new ManualClock(1_764_000_000_000);
  const meter = recordingMeter();
  const facts: Fact[] = [];
  const written: unknown[] = [];
  const delivery = new FakeDelivery(given);
  const input = requestInput({body: Buffer.from('hello')});
  const ctx = stageContext(delivery, {}, {input, principal: {subject: 's', credential: 'authorization'}});
  const keep = async (id: string, fact: Fact) => {
    t0(id);
    facts.push(fact);
    await record?.();
  };
  const stage = event({
    write(given, more) {
      written.push(given, more);
      return writtenEvent('hello');
    },
    keep: {
      deferred: ({id}, code) => void keep(id, {type: 'attempt.failed', data: {attempt: 1, class: 'busy', retryable: true, code}}),
      accepted: ({id, delivery: {source}}, {body}) =>
        keep(id, {type: 'invocation.accepted', data: {source, bytes: body.length, attempt: 1}}),
      settled: ({id}, data) => void keep(id, {type: 'invocation.settled', data}),
    },
    timeoutMs: 5000,
    meter,
    clock,
  });
  const t0 = (id: string) => {
    if (id !== 'id-1') throw new Error(`Expected the invocation’s id, got ${id}`);
  };
  return {clock, meter, facts, written, ctx, input, walk: (next: () => Promise<void>) => stage(ctx, next)};
}

test('without an input nothing is built', async t => {
  const {walk, ctx, facts} = prepare();
  delete ctx.state.input;
  await t.throwsAsync(
    walk(async () => t.fail()),
    {instanceOf: TypeError},
  );
  t.deepEqual(facts, []);
});

test('written ahead means: when the fact cannot be kept, the function does not run', async t => {
  const {walk} = prepare({
    writeAhead: true,
    record: async () => {
      throw new Error('disk full');
    },
  });
  await t.throwsAsync(
    walk(async () => t.fail()),
    {message: 'disk full'},
  );
});

test('written ahead means: the function runs only after the fact is kept', async t => {
  const kept = Promise.withResolvers<void>();
  const {walk, ctx} = prepare({writeAhead: true, record: () => kept.promise});
  let ran = false;
  const walking = walk(async () => {
    ran = true;
    ctx.state.result = {status: 200, headers: [], body: ''};
  });
  await settle();
  t.false(ran);
  kept.resolve();
  await walking;
  t.true(ran);
});

for (const [title, fault, last] of [
  ['what did not reach the function', new Fault('POOL_BUSY'), 'attempt.failed'],
  ['a deadline that passed before anybody was called', new Fault('UPSTREAM_TIMEOUT', {reached: false}), 'attempt.failed'],
  ['a deadline that passed during the call', new Fault('UPSTREAM_TIMEOUT'), 'invocation.settled'],
  ['an answer that is none', new Fault('RESULT_INVALID'), 'invocation.settled'],
] as const) {
  test(`${title} ends a delivery that can be made again with ${last}`, async t => {
    const {walk, facts, meter} = prepare({defers: () => true});
    await t.throwsAsync(
      walk(async () => {
        throw fault;
      }),
    );
    t.deepEqual(
      facts.map(({type}) => type),
      ['invocation.accepted', last],
    );
    t.deepEqual(meter.calls, [['accepted'], ['settled', fault, false]], 'it is not in flight any more');
  });
}

test('a trigger that has waited long enough may let it be over', async t => {
  const {walk, facts} = prepare({defers: () => false});
  await t.throwsAsync(
    walk(async () => {
      throw new Fault('POOL_BUSY');
    }),
  );
  t.is(facts.at(-1)?.type, 'invocation.settled');
});

const endings: [code: FaultCode, outcome: 'failed' | 'cancelled' | 'expired', status: number][] = [
  ['HANDLER_FAILED', 'failed', 500],
  ['RESULT_INVALID', 'failed', 502],
  ['POOL_BUSY', 'failed', 503],
  ['UPSTREAM_TIMEOUT', 'expired', 504],
  ['CALLER_LEFT', 'cancelled', 499],
];

for (const [code, outcome, status] of endings) {
  test(`${code} settles the invocation as ${outcome}, and goes on as the fault that it is`, async t => {
    const {walk, facts, clock, meter} = prepare();
    const fault = new Fault(code);
    const thrown = await t.throwsAsync(
      walk(async () => {
        await clock.advance(20);
        throw fault;
      }),
    );
    t.is(thrown, fault);
    t.deepEqual(facts.at(-1), {type: 'invocation.settled', data: {outcome, status, code, durationMs: 20}});
    t.deepEqual(meter.calls, [['accepted'], ['settled', fault, false]]);
  });
}

for (const [code, goesOn, isHandedBack] of [
  ['CALLER_LEFT', true, true],
  ['CALLER_LEFT', false, false],
  ['HANDLER_FAILED', true, false],
] as const) {
  test(`${code} of a delivery that ${goesOn ? 'is made' : 'is not made'} again elsewhere is ${isHandedBack ? '' : 'not '}handed back`, async t => {
    const {walk, meter} = prepare({goesOn: () => goesOn});
    await t.throwsAsync(
      walk(async () => {
        throw new Fault(code);
      }),
    );
    t.is(meter.calls.at(-1)?.[2], isHandedBack);
  });
}

test('a bug settles the invocation, too', async t => {
  const {walk, facts} = prepare();
  await t.throwsAsync(
    walk(async () => {
      throw new TypeError('bug');
    }),
    {instanceOf: TypeError},
  );
  t.deepEqual(facts.at(-1), {type: 'invocation.settled', data: {outcome: 'failed', status: 500, code: 'INTERNAL', durationMs: 0}});
});

test('the first fact and the last', async t => {
  const {walk, ctx, facts, clock, meter} = prepare();
  await walk(async () => {
    t.deepEqual(facts, [{type: 'invocation.accepted', data: {source: 'test', bytes: 5, attempt: 1}}]);
    await clock.advance(30);
    ctx.state.result = {status: 404, headers: [], body: ''};
  });
  t.deepEqual(facts.slice(1), [{type: 'invocation.settled', data: {outcome: 'responded', status: 404, durationMs: 30}}]);
  t.deepEqual(meter.calls, [['accepted'], ['settled', undefined, false]]);
});

test('the event is written once, with the deadline counted from the arrival', async t => {
  const {walk, ctx, written, input, clock} = prepare();
  await clock.advance(1200); // reading the body took this long
  await walk(async () => {
    ctx.state.result = {status: 200, headers: [], body: ''};
  });
  t.deepEqual(written, [input, {id: 'id-1', deadlineMs: 1_764_000_005_000, credential: 'authorization'}]);
  t.deepEqual(ctx.state.event, writtenEvent('hello'));
  t.deepEqual(ctx.state.deadline, {wallMs: 1_764_000_005_000, monotonicMs: 5000, timeoutMs: 5000});
});

test('a wall clock that was set does not move the deadline', async t => {
  const {walk, ctx, clock} = prepare();
  await clock.advance(1000);
  clock.setWall(0);
  await walk(async () => {
    ctx.state.result = {status: 200, headers: [], body: ''};
  });
  t.deepEqual(ctx.state.deadline, {wallMs: 4000, monotonicMs: 5000, timeoutMs: 5000});
});
