import test from 'ava';
import {type Readiness, readinessOf} from '../../src/admin/readiness.ts';
import {initial, type LifecycleState} from '../../src/workers/process/lifecycle.ts';

const state = (phase: LifecycleState['phase'], error?: string): LifecycleState => ({
  ...initial,
  phase,
  ...(error !== undefined && {error}),
});
const ready = state('ready');
const booting = state('booting');
const broken = state('broken', 'SyntaxError');
const exited = state('exited', 'The sub-runtime exited with code 1');
const gaveUp = state('gave-up', 'The sub-runtime exited with code 1');

const table: [title: string, states: LifecycleState[], taking: number, overloaded: boolean, told: Readiness][] = [
  ['nothing was started', [initial], 0, false, {ready: false, phase: 'booting'}],
  ['the first one boots', [booting], 0, false, {ready: false, phase: 'booting'}],
  ['the handler cannot be loaded', [broken], 1, false, {ready: false, phase: 'broken', cause: 'SyntaxError'}],
  ['one is broken, the other still boots', [broken, booting], 1, false, {ready: false, phase: 'broken', cause: 'SyntaxError'}],
  ['it waits for its next start', [exited], 0, false, {ready: false, phase: 'restarting', cause: 'The sub-runtime exited with code 1'}],
  [
    'it is given up',
    [gaveUp],
    0,
    false,
    {ready: false, phase: 'gave-up', cause: 'The sub-runtime exited with code 1; a start is tried every 30 to 60 s'},
  ],
  ['one gave up, another will come', [gaveUp, exited], 0, false, {ready: false, phase: 'restarting', cause: exited.error ?? ''}],
  ['the queue is full', [ready], 1, true, {ready: false, phase: 'overloaded', cause: 'the queue is full'}],
  ['a stuck one left and its spare boots', [ready], 0, false, {ready: false, phase: 'booting'}],
  ['it takes calls', [ready], 1, false, {ready: true, phase: 'ready'}],
  ['one of two takes calls', [ready, gaveUp], 1, false, {ready: true, phase: 'ready'}],
];
for (const [title, states, taking, overloaded, told] of table) {
  const crew = {states: () => states, ready: () => taking, isOverloaded: () => overloaded};
  test(`when ${title}, readiness is ${told.phase}`, t => t.deepEqual(readinessOf(crew, false), told));
  test(`when ${title} and a trigger delivers nothing, the cause is the first that keeps calls away`, t =>
    t.deepEqual(
      readinessOf(crew, false, {problem: 'cron: no clock'}),
      told.ready ? {ready: false, phase: 'broken', cause: 'cron: no clock'} : told,
    ));
  test(`when ${title} and a broker is away, that is a detail of a core that is ready`, t =>
    t.deepEqual(readinessOf(crew, false, {detail: 'orders: away'}), told.ready ? {...told, detail: 'orders: away'} : told));
  test(`when ${title} and the triggers are not open yet, the core is not ready`, t =>
    t.false(readinessOf(crew, false, {isOpen: false}).ready));
  test(`when ${title} and the core stops, readiness is draining`, t =>
    t.deepEqual(readinessOf(crew, true), {ready: false, phase: 'draining'}));
}
