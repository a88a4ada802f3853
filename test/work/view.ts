import test from 'ava';
import type {Fact, FactTypes} from '../../src/facts.ts';
import {linksTo, viewWork} from '../../src/work/view.ts';
import type {WorkState} from '../../src/work.ts';

const t0 = Date.UTC(2026, 0, 1);
const iso = (seconds: number) => new Date(t0 + seconds * 1000).toISOString();
const state = (more: Partial<WorkState> = {}): WorkState => ({
  id: 'a',
  acceptedAt: t0,
  due: t0,
  status: 'waiting',
  attempts: 0,
  deaths: 0,
  ...more,
});

/** The facts, one a second from the acceptance on. */
function view(facts: readonly Fact[], known: WorkState | undefined, {afterS = 10, isPaused = false} = {}) {
  const recorded = facts.map((fact, second) => ({stream: 'invocation.a', position: second + 1, at: t0 + second * 1000, fact}));
  return viewWork('a', recorded, known, {now: t0 + afterS * 1000, isPaused});
}

const accepted: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: 0, attempt: 1}};
const started = (attempt: number): Fact => ({type: 'attempt.started', data: {attempt, epoch: attempt}});
const failed = (attempt: number, failure: FactTypes['attempt.failed']['class'], code: FactTypes['attempt.failed']['code']): Fact => ({
  type: 'attempt.failed',
  data: {attempt, class: failure, retryable: true, code},
});
const settled = (outcome: FactTypes['invocation.settled']['outcome'], status: number): Fact => ({
  type: 'invocation.settled',
  data: {outcome, status, durationMs: 1},
});

test('nothing known is an invocation that was accepted', t => {
  t.deepEqual(view([], undefined), {id: 'a', status: 'accepted', attempts: [], links: linksTo('a')});
});

test('the links lead to the status, to the reply and to the end of it', t => {
  const self = '/_core/invocations/a';
  t.deepEqual(linksTo('a'), {self, reply: `${self}/reply`, cancel: self});
  t.deepEqual(linksTo('a', true), {self, reply: `${self}/reply`});
});

test('work that is due waits for a place, or for the end of a pause', t => {
  t.deepEqual(view([accepted], state()), {
    id: 'a',
    status: 'waiting',
    why: 'Every place for work is taken.',
    acceptedAt: iso(0),
    attempts: [],
    links: linksTo('a'),
  });
  t.is(view([accepted], state(), {isPaused: true}).why, 'An operator has paused work.');
});

test('work for later says when', t => {
  t.like(view([accepted], state({due: t0 + 60_000, expires: t0 + 120_000})), {
    status: 'delayed',
    why: `It was sent to start at ${iso(60)}.`,
    notBefore: iso(60),
    expires: iso(120),
  });
});

test('work behind other work says so', t => {
  t.like(view([accepted], state({status: 'behind'})), {status: 'behind', why: 'Earlier work with the same ordering key is not over yet.'});
});

test('an attempt that runs has no end', t => {
  const seen = view([accepted, started(1)], state({status: 'running', attempts: 1}));
  t.like(seen, {status: 'running', why: undefined, startedAt: iso(1)});
  t.deepEqual(seen.attempts, [{attempt: 1, startedAt: iso(1)}]);
});

test('a call that somebody waits for runs without the store', t => {
  t.is(view([accepted, started(1)], undefined).status, 'running');
});

test('between attempts it says why the last failed and when the next is due', t => {
  const facts = [accepted, started(1), failed(1, 'crash', 'UPSTREAM_LOST')];
  const later = view(facts, state({attempts: 1, due: t0 + 60_000}));
  t.like(later, {status: 'retrying', notBefore: undefined});
  t.is(later.why, `Attempt 1 failed: the process of the function crashed. The next one is due at ${iso(60)}.`);
  t.deepEqual(later.attempts, [{attempt: 1, startedAt: iso(1), endedAt: iso(2), class: 'crash', code: 'UPSTREAM_LOST'}]);
  t.regex(view(facts, state({attempts: 1})).why ?? '', /The next one waits for a free place\.$/);
  t.regex(view(facts, state({attempts: 1}), {isPaused: true}).why ?? '', /An operator has paused work\.$/);
});

test('an attempt that did not reach the function says that it costs nothing', t => {
  const seen = view([accepted, failed(1, 'busy', 'POOL_BUSY')], state({due: t0 + 60_000}));
  t.is(seen.status, 'retrying');
  t.is(seen.why, `The function could not be reached (POOL_BUSY), which costs no attempt. The next one is due at ${iso(60)}.`);
  t.deepEqual(seen.attempts, [{attempt: 1, endedAt: iso(1), class: 'busy', code: 'POOL_BUSY'}]);
});

test('what succeeded has an end, a status and nothing to cancel', t => {
  t.deepEqual(view([accepted, started(1), failed(1, 'error', 'HANDLER_FAILED'), started(2), settled('responded', 201)], undefined), {
    id: 'a',
    status: 'responded',
    acceptedAt: iso(0),
    startedAt: iso(1),
    settledAt: iso(4),
    replyStatus: 201,
    attempts: [
      {attempt: 1, startedAt: iso(1), endedAt: iso(2), class: 'error', code: 'HANDLER_FAILED'},
      {attempt: 2, startedAt: iso(3), endedAt: iso(4)},
    ],
    links: linksTo('a', true),
  });
});

for (const [outcome, why] of [
  ['expired', 'It had not started by the time at which it expired.'],
  ['cancelled', 'It was cancelled.'],
  ['failed', 'The function ended it with status 422, after which there is no further attempt.'],
] as const) {
  test(`what ${outcome} says why`, t => t.like(view([accepted, settled(outcome, 422)], undefined), {status: outcome, why}));
}

for (const [title, reason, why] of [
  [
    'without attempts',
    {why: 'exhausted', class: 'timeout', status: 504},
    /^No attempts are left; the last one failed because the function did/,
  ],
  ['that the function refused', {why: 'refused', class: 'error', status: 500}, /^The function asked for no further attempt\. An operator/],
  ['whose process died', {why: 'poison', class: 'crash', status: 502}, /^The process that ran it ended 3 times in a row\. An operator can/],
] as const) {
  test(`a dead letter ${title} says so`, t => {
    const seen = view([accepted, settled('dead-lettered', reason.status)], state({status: 'dead', deaths: 3, reason}));
    t.is(seen.status, 'dead-lettered');
    t.regex(seen.why ?? '', why);
  });
}

test('a dead letter that was dropped is still one', t => {
  t.regex(view([accepted, started(1), failed(1, 'oom', 'UPSTREAM_LOST'), settled('dead-lettered', 502)], undefined).why ?? '', /memory/);
});

test('what was sent again is not over, and keeps its attempts', t => {
  const facts = [accepted, started(1), settled('dead-lettered', 500), {type: 'invocation.redriven', data: {deadForMs: 1}} as const];
  const again = view(facts, state());
  t.like(again, {status: 'waiting', settledAt: undefined, replyStatus: undefined, startedAt: iso(1)});
  t.is(again.attempts.length, 1);
  t.is(view([...facts, started(1)], state({status: 'running'})).attempts.length, 2);
});

test('of very many attempts the newest are listed', t => {
  const facts = [accepted, ...Array.from({length: 120}, (_, index) => failed(index + 1, 'busy', 'POOL_BUSY'))];
  const seen = view(facts, state());
  t.is(seen.attempts.length, 100);
  t.is(seen.moreAttempts, 20);
  t.is(seen.attempts.at(-1)?.attempt, 120);
});
