import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {explainInvocation} from '../../src/projections/explanation.ts';
import {listInvocations} from '../../src/projections/invocation-list.ts';
import type {InvocationView} from '../../src/projections/invocations.ts';
import {plainExplanation} from '../../src/projections/plain.ts';
import {ManualClock} from '../helpers/clock.ts';
import {countingScans} from '../helpers/counting-journal.ts';

const accepted: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: 3, attempt: 1}};
const responded: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 5, pid: 7}};
const failed: Fact = {type: 'invocation.settled', data: {outcome: 'failed', status: 500, code: 'HANDLER_FAILED', durationMs: 5, pid: 7}};

function prepare() {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const list = (some: {status?: string; agoMs?: number; limit?: number} = {}) =>
    listInvocations(journal, {
      status: some.status,
      since: clock.now() - (some.agoMs ?? 3_600_000),
      now: clock.now(),
      limit: some.limit ?? 100,
    });
  return {clock, journal, list, ids: async (some = {}) => (await list(some)).map(({id}) => id)};
}

test('nothing is known of an invocation that was never there', async t => {
  const {journal} = prepare();
  journal.record('invocation.a', [accepted]);
  t.is(await explainInvocation(journal, 'b'), undefined);
});

test('one without a last fact still runs, or did when the core ended', async t => {
  const {journal, list} = prepare();
  journal.record('invocation.a', [accepted]);
  t.like(await list(), [{id: 'a', status: 'running', source: 'http', bytes: 3}]);
});

test('work that is not over waits, runs or is retried, and is not over again when it was sent anew', async t => {
  const {journal, list} = prepare();
  const seen: unknown[] = [];
  const started: Fact = {type: 'attempt.started', data: {attempt: 1, epoch: 1}};
  for (const facts of [
    [{type: 'invocation.accepted', data: {source: 'work', bytes: 3, attempt: 1}}],
    [started],
    [
      {type: 'attempt.failed', data: {attempt: 1, class: 'error', retryable: true, code: 'HANDLER_FAILED'}},
      {type: 'retry.scheduled', data: {attempt: 2, afterMs: 5}},
    ],
    [started],
    [{type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 500, durationMs: 5}}],
    [{type: 'invocation.redriven', data: {deadForMs: 5}}],
  ] satisfies [Fact, ...Fact[]][]) {
    journal.record('invocation.a', facts);
    const [{status, pending, replyStatus}] = (await list()) as [InvocationView];
    seen.push([status, pending, replyStatus].filter(Boolean).join(' '));
  }
  t.deepEqual(seen, ['running waiting', 'running', 'running retrying', 'running', 'dead-lettered 500', 'running waiting']);
});

test('by status, by time, by number; the newest first', async t => {
  const {journal, clock, ids} = prepare();
  for (const [id, end] of [
    ['old', failed],
    ['a', responded],
    ['b', failed],
    ['c', responded],
  ] as const) {
    journal.record(`invocation.${id}`, [accepted]);
    await clock.advance(5);
    journal.record(`invocation.${id}`, [end]);
    await clock.advance(id === 'old' ? 7_200_000 : 30_000);
  }
  t.deepEqual(await ids(), ['c', 'b', 'a']);
  t.deepEqual(await ids({status: 'failed'}), ['b']);
  t.deepEqual(await ids({status: 'expired'}), []);
  t.deepEqual(await ids({limit: 2}), ['c', 'b']);
  t.deepEqual(await ids({agoMs: 70_000}), ['c', 'b']);
  t.deepEqual(await ids({agoMs: 24 * 3_600_000, status: 'failed'}), ['b', 'old']);
});

test('a journal that has fewer than are wanted is not read again for each longer time', async t => {
  const {journal, clock} = prepare();
  journal.record('invocation.a', [accepted]);
  journal.record('invocation.a', [responded]);
  const counting = countingScans(journal);
  const list = await listInvocations(counting.journal, {since: 0, now: clock.now(), limit: 10});
  t.deepEqual([list.map(({id}) => id), counting.scans()], [['a'], 2]);
});

test('an invocation that was accepted long before its end is read as a whole', async t => {
  const {journal, clock, list} = prepare();
  journal.record('invocation.a', [accepted]);
  const acceptedAt = clock.now();
  await clock.advance(200_000);
  journal.record('invocation.a', [responded]);
  t.like(await list({limit: 1}), [{id: 'a', status: 'responded', acceptedAt, settledAt: acceptedAt + 200_000, source: 'http'}]);
});

test('an explanation names the core, the code and the process of its time', async t => {
  const {journal, clock} = prepare();
  const boot = (id: string, digest: string, pid: number) => {
    journal.record(`runtime.${id}`, [
      {type: 'config.loaded', data: {version: '1', digest: `settings-${id}`}},
      {type: 'runtime.spawned', data: {executable: 'node', pid}},
      {type: 'code.loaded', data: {digest, handler: '/h.js'}},
    ]);
  };
  boot('first', 'code-1', 7);
  journal.record('invocation.a', [accepted]);
  await clock.advance(5);
  journal.record('invocation.a', [failed]);
  journal.record('runtime.first', [{type: 'code.loaded', data: {digest: 'code-2', handler: '/h.js'}}]);
  journal.record('runtime.first', [{type: 'runtime.exited', data: {code: 1, signal: null, reason: 'exit-nonzero', upMs: 9, pid: 7}}]);
  boot('second', 'code-3', 8);
  journal.record('invocation.b', [accepted, responded]);
  const explanation = await explainInvocation(journal, 'a');
  t.like(explanation?.invocation, {status: 'failed', code: 'HANDLER_FAILED', pid: 7});
  t.like(explanation?.boot, {id: 'first', codeDigest: 'code-1', settings: 'settings-first'});
  t.like(explanation?.boot?.processes[0], {pid: 7, reason: 'exit-nonzero', code: 1});
  t.deepEqual([explanation?.request, explanation?.reply, explanation?.log], [undefined, undefined, undefined]);
  t.like((await explainInvocation(journal, 'b'))?.boot, {id: 'second', codeDigest: 'code-3'});
});

const ready = (id: string, digest: string, pid: number, journal: MemoryJournal) =>
  journal.record(`runtime.${id}`, [
    {type: 'runtime.spawned', data: {executable: 'node', pid}},
    {type: 'runtime.ready', data: {bootMs: 1, loaded: true, pid}},
    {type: 'code.loaded', data: {digest, handler: '/h.js'}},
  ]);
const config: Fact = {type: 'config.loaded', data: {version: '1', digest: 'x'}};

test('one that was delivered again is explained by the core that ran it last, though that one was not ready by then', async t => {
  const {journal} = prepare();
  const again: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: 3, attempt: 2}};
  journal.record('runtime.dead', [config]);
  ready('dead', 'old', 5, journal);
  journal.record('invocation.a', [accepted, {type: 'attempt.started', data: {attempt: 1, epoch: 1}}]);
  journal.record('runtime.next', [config]);
  journal.record('invocation.a', [again, {type: 'attempt.started', data: {attempt: 2, epoch: 2}}]);
  t.like((await explainInvocation(journal, 'a'))?.boot, {id: 'next', codeDigest: undefined});
  ready('next', 'new', 7, journal);
  t.like((await explainInvocation(journal, 'a'))?.boot, {id: 'next', codeDigest: 'new'});
  journal.record('invocation.a', [responded]);
  t.like((await explainInvocation(journal, 'a'))?.boot, {id: 'next', codeDigest: 'new'});
});

test('of two cores that write one journal, the one is named whose process it was', async t => {
  const {journal} = prepare();
  for (const id of ['leader', 'sibling']) journal.record(`runtime.${id}`, [config]);
  ready('leader', 'by leader', 7, journal);
  ready('sibling', 'by sibling', 8, journal);
  journal.record('invocation.a', [accepted, responded]);
  t.like((await explainInvocation(journal, 'a'))?.boot, {id: 'leader', codeDigest: 'by leader'});
});

test('a process number that was given again names the later core', async t => {
  const {journal} = prepare();
  for (const id of ['first', 'second']) {
    journal.record(`runtime.${id}`, [config]);
    ready(id, id, 7, journal);
    journal.record(`invocation.${id}`, [accepted, responded]);
  }
  t.like((await explainInvocation(journal, 'first'))?.boot, {id: 'first'});
  t.like((await explainInvocation(journal, 'second'))?.boot, {id: 'second'});
});

test('one that a schedule fired names its occurrence, and while it runs the core that claimed it', async t => {
  const {journal} = prepare();
  for (const id of ['leader', 'sibling']) journal.record(`runtime.${id}`, [config]);
  ready('leader', 'by leader', 7, journal);
  ready('sibling', 'by sibling', 8, journal);
  const fired = (occurrence: string, invocationId: string): Fact => ({
    type: 'schedule.fired',
    data: {name: 'often', occurrence, cron: '* * * * *', timezone: 'UTC', invocationId, attempt: 1, core: 'leader'},
  });
  journal.record('schedule.often.2026-01-01T00:00:00Z', [fired('2026-01-01T00:00:00Z', 'a')]);
  journal.record('schedule.often.2026-01-01T00:01:00Z', [fired('2026-01-01T00:01:00Z', 'b')]);
  journal.record('invocation.a', [{type: 'invocation.accepted', data: {source: 'cron:often', bytes: 2, attempt: 1}}]);
  const explanation = await explainInvocation(journal, 'a');
  t.like(explanation, {claim: {name: 'often', occurrence: '2026-01-01T00:00:00Z'}, boot: {id: 'leader', codeDigest: 'by leader'}});
  t.like(explanation && plainExplanation(explanation), {
    schedule: {name: 'often', occurrence: '2026-01-01T00:00:00Z', attempt: 1, manual: false},
  });
});
