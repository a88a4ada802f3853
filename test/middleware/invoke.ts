import test from 'ava';
import {invoke} from '../../middleware/invoke.ts';
import type {CallerSignal} from '../../src/caller-signal.ts';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {CallSpan, InvocationSpan} from '../../src/invocation.ts';
import {
  type Deadline,
  type InvocationTrace,
  type Lease,
  NotSent,
  type RuntimeCall,
  type RuntimeReply,
  type Runtimes,
} from '../../src/runtime.ts';
import {writtenEvent} from '../helpers/event.ts';
import {FakeDelivery, recordingMeter, runtimeReply, stageContext, streamParts} from '../helpers/fakes.ts';

const written = writtenEvent();

const address = {host: '127.0.0.1', port: 8081};
type Outcome = RuntimeReply | Error;

/** A pool whose leases end, call after call, as told; after the last the last again. */
function fakeRuntimes(outcomes: Outcome[], some: Partial<Lease> = {}) {
  const calls: RuntimeCall[] = [];
  const deadlines: Deadline[] = [];
  const signals: (CallerSignal | undefined)[] = [];
  const runtimes: Runtimes = {
    async lease(deadline, signal) {
      deadlines.push(deadline);
      signals.push(signal);
      return {
        cold: false,
        start: undefined,
        waitedMs: 0,
        depth: 0,
        address,
        async send(call) {
          const outcome = outcomes[Math.min(calls.length, outcomes.length - 1)];
          calls.push(call);
          if (outcome instanceof Error || !outcome) throw outcome;
          return outcome;
        },
        ...some,
      };
    },
  };
  return {runtimes, calls, deadlines, signals};
}

function fakeSpan(trace?: InvocationTrace) {
  const told: unknown[] = [];
  const call: CallSpan = {trace, answered: status => told.push(['answered', status]), failed: error => told.push(['failed', error.name])};
  const span: InvocationSpan = {
    trace: undefined,
    traceId: undefined,
    exemplar: undefined,
    call(attempt, {port}) {
      told.push(['call', attempt, port]);
      return call;
    },
    sends: () => ({trace: undefined, sent() {}, failed() {}}),
    waited: ({waitedMs, cold}) => void told.push(['waited', waitedMs, cold]),
    ended() {},
  };
  return {span, told};
}

interface Options {
  readonly trace?: InvocationTrace;
  readonly lease?: Partial<Lease>;
  readonly cancel?: 'finish' | 'abort';
  readonly breaksOff?: boolean;
}

function prepare(outcomes: Outcome[], {trace, lease, cancel = 'finish', breaksOff = false}: Options = {}) {
  const meter = recordingMeter();
  const {span, told} = fakeSpan(trace);
  const fake = fakeRuntimes(outcomes, lease);
  const ctx = stageContext(
    new FakeDelivery({breaksOff}),
    {},
    {event: written, deadline: {wallMs: 5000, monotonicMs: 500, timeoutMs: 400}, span},
  );
  let passed = 0;
  const walk = () => invoke({runtimes: fake.runtimes, meter, clock: systemClock, cancel, ...streamParts})(ctx, async () => void passed++);
  return {...fake, ctx, meter, told, walk, passed: () => passed};
}

test('without an event nothing is called', async t => {
  const {runtimes, calls} = fakeRuntimes([runtimeReply('{}')]);
  const stage = invoke({runtimes, meter: recordingMeter(), clock: systemClock, cancel: 'finish', ...streamParts});
  await t.throwsAsync(
    stage(stageContext(new FakeDelivery()), async () => t.fail()),
    {instanceOf: TypeError},
  );
  t.deepEqual(calls, []);
});

test('a call that failed is never sent again: it may have run', async t => {
  for (const code of ['UPSTREAM_LOST', 'UPSTREAM_TIMEOUT', 'UPSTREAM_PROTOCOL', 'DRAINING'] as const) {
    const {walk, calls, passed, meter, told} = prepare([new Fault(code)]);
    await t.throwsAsync(walk(), {instanceOf: Fault, code});
    t.is(calls.length, 1);
    t.is(passed(), 0);
    t.deepEqual(meter.calls, [
      ['inFlight', 1],
      ['inFlight', -1],
    ]);
    t.deepEqual(told, [
      ['call', 0, 8081],
      ['failed', 'Fault'],
    ]);
  }
});

test('a bug is not sent again either, and stays the bug that it is', async t => {
  const bug = new TypeError('a bug');
  const {walk, calls} = prepare([bug]);
  t.is(await t.throwsAsync(walk()), bug);
  t.is(calls.length, 1);
});

test('a call that was not sent is tried three times, then its caller may try again: it did not run', async t => {
  const {walk, calls, told} = prepare([new NotSent('ECONNREFUSED')]);
  const fault = await t.throwsAsync(walk(), {instanceOf: Fault, code: 'POOL_NOT_READY', message: 'The sub-runtime refuses connections'});
  t.like(fault, {status: 503, retryable: true, retryAfterS: 1, reached: false});
  t.true(fault?.cause instanceof NotSent);
  t.is(calls.length, 3);
  t.deepEqual(
    told.filter(entry => Array.isArray(entry) && entry[0] === 'call'),
    [
      ['call', 0, 8081],
      ['call', 1, 8081],
      ['call', 2, 8081],
    ],
  );
});

test('a call for which the host has no connection left did not run: its caller may try again', async t => {
  const {walk, calls} = prepare([new NotSent('connect EMFILE 127.0.0.1:8081', {byHost: true})]);
  const fault = await t.throwsAsync(walk(), {instanceOf: Fault, code: 'POOL_BUSY'});
  t.is(fault?.status, 503);
  t.is(fault?.retryAfterS, 1);
  t.is(calls.length, 3);
});

test('a call that was not sent and then failed is not tried a third time', async t => {
  const {walk, calls} = prepare([new NotSent('ECONNREFUSED'), new Fault('UPSTREAM_LOST')]);
  await t.throwsAsync(walk(), {code: 'UPSTREAM_LOST'});
  t.is(calls.length, 2);
});

test('a refused lease calls nothing', async t => {
  const meter = recordingMeter();
  const runtimes: Runtimes = {
    async lease() {
      throw new Fault('POOL_BUSY', {retryAfterS: 3});
    },
  };
  const {span, told} = fakeSpan();
  const state = {event: written, deadline: {wallMs: 0, monotonicMs: 0, timeoutMs: 0}, span};
  const stage = invoke({runtimes, meter, clock: systemClock, cancel: 'finish', ...streamParts});
  await t.throwsAsync(
    stage(stageContext(new FakeDelivery(), {}, state), async () => t.fail()),
    {code: 'POOL_BUSY'},
  );
  t.deepEqual(told, []);
  t.deepEqual(meter.calls, [
    ['inFlight', 1],
    ['inFlight', -1],
  ]);
});

test('an answer that came is the reply, after however many refused connections', async t => {
  const reply = runtimeReply('{}');
  for (const refused of [0, 1, 2]) {
    const {walk, calls, ctx, passed, deadlines} = prepare([...Array.from({length: refused}, () => new NotSent('ECONNREFUSED')), reply]);
    await walk();
    t.is(calls.length, refused + 1);
    t.is(ctx.state.reply, reply);
    t.is(passed(), 1);
    t.deepEqual(new Set(deadlines.map(({monotonicMs, timeoutMs}) => `${monotonicMs} ${timeoutMs}`)), new Set(['500 400']));
  }
});

test('the call carries the invocation, its deadline and the event with its trace', async t => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const trace of [undefined, {traceparent}, {traceparent, tracestate: 'a="b'}]) {
    const {walk, calls} = prepare([runtimeReply('{}')], trace && {trace});
    await walk();
    t.deepEqual(calls, [
      {
        invocationId: 'id-1',
        event: written,
        deadlineMs: 5000,
        deadline: 500,
        timeoutMs: 400,
        signal: undefined,
        isSignalShared: undefined,
        streams: undefined,
        trace,
        eventHold: undefined,
        replyHold: undefined,
      },
    ]);
  }
});

test('a wait and a cold start are recorded', async t => {
  const {walk, meter, told} = prepare([runtimeReply('{}', {status: 201})], {lease: {cold: true, waitedMs: 30}});
  await walk();
  t.deepEqual(meter.calls, [['inFlight', 1], ['coldStarted'], ['inFlight', -1]]);
  t.deepEqual(told, [
    ['waited', 30, true],
    ['call', 0, 8081],
    ['answered', 201],
  ]);
});

test('a caller that leaves does not end the call, unless it is to be broken off', async t => {
  const finish = prepare([runtimeReply('{}')]);
  await finish.walk();
  t.deepEqual([finish.signals, finish.calls[0]?.signal], [[undefined], undefined]);
  const abort = prepare([runtimeReply('{}')], {cancel: 'abort'});
  await abort.walk();
  const {signal} = abort.ctx.state.delivery;
  t.is(abort.signals[0], signal);
  t.is(abort.calls[0]?.signal, signal);
});

test('a caller is not watched when its call would run on', async t => {
  const {walk, ctx, passed} = prepare([runtimeReply('{}')]);
  Object.defineProperty(ctx.state.delivery, 'signal', {get: () => t.fail()});
  await walk();
  t.is(passed(), 1);
});

test('a delivery may say itself that its call is broken off when its signal aborts', async t => {
  const {ctx, walk, signals} = prepare([runtimeReply('{}')], {breaksOff: true});
  await walk();
  t.is(signals[0], ctx.state.delivery.signal);
});
