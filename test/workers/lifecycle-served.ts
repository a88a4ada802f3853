import test from 'ava';
import {answered, decide, evolve, initial, restartDelayMs, type Seen, servedUntil} from '../../src/workers/process/lifecycle.ts';
import {after, exit, ready, spawned} from '../helpers/lifecycle.ts';

test('gives up when exits outrun the allowed intensity', t => {
  const {state, facts} = after(Array.from({length: 11}, (_, index) => exit(index * 1000)));
  t.deepEqual(facts.at(-1), {type: 'runtime.gave-up', data: {exits: 11, withinMs: 120_000}});
  t.is(facts.filter(({type}) => type === 'runtime.exited').length, 11);
  t.is(state.phase, 'gave-up');
});

test('once given up, one start is tried every 30 to 60 s, and callers see no difference before it is ready', t => {
  const given = after(Array.from({length: 11}, (_, index) => exit(index)));
  for (const [random, delayMs] of [
    [0, 60_000],
    [0.5, 45_000],
    [1, 30_000],
  ] as const)
    t.is(restartDelayMs(given.state, random), delayMs);
  let {state} = given;
  for (let trial = 1; trial <= 20; trial++) {
    const at = trial * 45_000;
    state = evolve(state, {type: 'runtime.spawned', data: {executable: 'node'}}, at);
    t.like(state, {phase: 'gave-up', error: 'The sub-runtime exited with code 1'});
    if (trial % 2 === 0) state = evolve(state, {type: 'runtime.ready', data: {bootMs: 1, loaded: true}}, at);
    const facts = decide(state, exit(at));
    t.deepEqual(
      facts.map(({type}) => type),
      ['runtime.exited', 'runtime.gave-up'],
    );
    for (const fact of facts) state = evolve(state, fact, at);
    t.is(restartDelayMs(state, 1), 30_000);
    t.true(state.earlyExits.length <= 14);
  }
});

test('a trial that serves well ends the giving up', t => {
  const given = after(Array.from({length: 11}, (_, index) => exit(index))).state;
  const tried = [spawned, ready].reduce((state, seen) => decide(state, seen).reduce((now, fact) => evolve(now, fact, 0), state), given);
  t.is(tried.phase, 'ready');
  for (const [state, upMs] of [
    [tried, 500],
    [answered(tried), 0],
  ] as const) {
    const facts = decide(state, exit(45_000, {upMs}));
    t.is(facts.length, 1);
    const over = evolve(state, facts[0], 45_000);
    t.like(over, {phase: 'exited', earlyExits: []});
    t.is(restartDelayMs(over, 0), 0);
  }
});

test('answers of a process that then breaks the protocol do not count, and time does', t => {
  const state = answered(
    [spawned, ready].reduce((state, seen) => decide(state, seen).reduce((now, fact) => evolve(now, fact, 0), state), initial),
  );
  const delayAfter = (upMs: number) =>
    restartDelayMs(
      decide(state, exit(0, {upMs, reason: 'protocol'})).reduce((now, fact) => evolve(now, fact, 0), state),
      0,
    );
  t.is(delayAfter(499), 100);
  t.is(delayAfter(500), 0);
});

test('a process that has answered a call has served well, however soon it ends and however often', t => {
  let state = initial;
  for (let at = 0; at < 100; at++) {
    for (const seen of [spawned, ready]) for (const fact of decide(state, seen)) state = evolve(state, fact, at);
    const facts = decide(answered(state), exit(at, {upMs: 1}));
    t.is(facts.length, 1);
    state = evolve(answered(state), facts[0], at);
    t.is(restartDelayMs(state, 0), 0);
  }
});

test('no early exit, and no trial in vain, leads to giving up within the period since the function served well elsewhere', t => {
  const row = Array.from({length: 11}, (_, index) => exit(index * 1000, {functionServedAt: index * 1000}));
  const {state} = after(row);
  t.is(state.phase, 'exited');
  t.is(restartDelayMs(state, 0), 15_000, 'the back-off is of the place');
  t.is(after([...row, exit(130_000, {functionServedAt: 10_001})]).state.phase, 'exited');
  const early = Array.from({length: 10}, (_, index) => exit(120_000 + index, {functionServedAt: 10_000}));
  t.is(after([...row, ...early, exit(129_999, {functionServedAt: 10_000})]).state.phase, 'exited');
  t.is(after([...row, ...early, exit(130_000, {functionServedAt: 10_000})]).state.phase, 'gave-up');

  const given = Array.from({length: 11}, (_, index) => exit(index));
  for (const trial of [[spawned], [spawned, ready]]) {
    t.is(after([...given, ...trial, exit(45_000)]).state.phase, 'gave-up');
    t.is(after([...given, ...trial, exit(45_000, {functionServedAt: 45_000})]).state.phase, 'exited');
  }
});

test('a process serves well from its first answer, or half a second after it was ready, until it ends or another takes over', t => {
  t.is(servedUntil(after([spawned, ready]).state, 499), undefined);
  t.is(servedUntil(after([spawned, ready]).state, 500), 500);
  t.is(servedUntil(answered(after([spawned, ready]).state), 1), 1);
  t.is(servedUntil(after([spawned, {type: 'reported', loaded: false, error: 'SyntaxError', bootMs: 30}]).state, 9000), undefined);
  t.is(servedUntil(after([spawned, ready, exit(499, {upMs: 499})]).state, 9000), undefined);
  for (const more of [[], [spawned], [spawned, ready], [spawned, exit(800)], Array.from({length: 20}, () => exit(900))]) {
    const {state} = after([spawned, ready, exit(700, {upMs: 700}), ...more]);
    t.is(servedUntil(state, 0), 700, JSON.stringify(state));
  }
  const takenOver = evolve(after([spawned, ready]).state, {type: 'runtime.ready', data: {bootMs: 1, loaded: true}}, 600);
  t.is(servedUntil(takenOver, 601), 600);
});

test('only a process that serves can have answered: not one whose handler could not be loaded, nor one that is gone', t => {
  const broken: Seen = {type: 'reported', loaded: false, error: 'SyntaxError', bootMs: 30};
  for (const seen of [[], [spawned], [spawned, broken], [spawned, ready, exit(0)]]) {
    const {state} = after(seen);
    t.is(answered(state), state);
  }
  t.is(after([spawned, ready, exit(0), spawned]).state.hasAnswered, undefined);
});
