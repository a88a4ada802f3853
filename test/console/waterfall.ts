import test from 'ava';
import {phasesOf} from '../../src/console/views/waterfall.js';

const fact = (type: string, at: number, data: Record<string, unknown>) => ({
  position: 1,
  stream: 'invocation.a',
  at: new Date(at).toISOString(),
  type,
  data,
});
const names = (phases: ReturnType<typeof phasesOf>) => phases.map(({name, fromMs, toMs}) => `${name} ${fromMs}-${toMs}`);

test('an invocation that runs has no phase that is over', t => {
  t.deepEqual(phasesOf({acceptedAt: 1000, facts: [fact('invocation.accepted', 1000, {})]}), []);
});

test('facts without times in between make one phase', t => {
  const facts = [fact('invocation.accepted', 1000, {}), fact('invocation.settled', 1010, {outcome: 'failed'})];
  t.deepEqual(phasesOf({acceptedAt: 1000, durationMs: 9.5, facts}), [{name: 'whole', fromMs: 0, toMs: 9.5, tone: 'bad'}]);
});

test('the phases follow one another, and end when it was over', t => {
  const settled = fact('invocation.settled', 1010, {outcome: 'responded', waitedMs: 2, calledAtMs: 3, calledMs: 5});
  const facts = [fact('invocation.accepted', 1000, {}), settled];
  t.deepEqual(names(phasesOf({acceptedAt: 1000, durationMs: 9, facts})), ['accepted 0-1', 'waited 1-3', 'called 3-8', 'answered 8-9']);
});

test('attempts that failed come first', t => {
  const facts = [
    fact('invocation.accepted', 1000, {}),
    fact('attempt.failed', 1040, {attempt: 1}),
    fact('invocation.settled', 1100, {outcome: 'responded', waitedMs: 0, cold: true, calledAtMs: 50, calledMs: 40}),
  ];
  t.deepEqual(names(phasesOf({acceptedAt: 1000, durationMs: 95, facts})), [
    'attempt 1 0-40',
    'accepted 40-50',
    'started a process 50-50',
    'called 50-90',
    'answered 90-95',
  ]);
});
