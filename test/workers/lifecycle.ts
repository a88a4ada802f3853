import test from 'ava';
import {evolve, restartDelayMs, type Seen} from '../../src/workers/process/lifecycle.ts';
import {after, exit, ready, spawned} from '../helpers/lifecycle.ts';

const refusals = ['spawn node EMFILE', 'spawn ENOMEM', 'spawn /usr/bin/php EAGAIN', 'spawn python3 ENFILE'];
for (const error of refusals) {
  test(`a start that the host refuses (${error}) is tried again without end, after a pause that grows to 2 s`, t => {
    const refused = (at: number) => exit(at, {reason: 'unspawnable', code: null, error});
    const delays: (number | undefined)[] = [];
    for (let count = 1; count <= 50; count++) {
      const {state, facts} = after(Array.from({length: count}, (_, index) => [spawned, refused(index)]).flat());
      t.is(state.phase, 'exited');
      t.is(state.error, `The sub-runtime could not be started: ${error}`);
      t.false(facts.some(({type}) => type === 'runtime.gave-up'));
      delays.push(restartDelayMs(state, 0));
    }
    t.deepEqual(delays.slice(0, 7), [100, 200, 400, 800, 1600, 2000, 2000]);
    t.is(delays.at(-1), 2000);
    t.is(restartDelayMs(after([spawned, refused(0), spawned, ready, exit(1, {upMs: 500})]).state, 0), 0);
    t.is(after([exit(0), exit(1), spawned, refused(2)]).state.earlyExits.length, 2);
  });
}

test('a program that does not exist, or may not be executed, is not a refusal of the host', t => {
  for (const error of ['spawn node ENOENT', 'spawn node EACCES', 'spawn E2BIG', 'spawn /opt/EMFILE/node ENOENT']) {
    const lives = Array.from({length: 11}, (_, index) => exit(index, {reason: 'unspawnable', code: null, error}));
    t.is(after(lives).state.phase, 'gave-up', error);
  }
});

test('does not give up at the intensity that is allowed', t => {
  const {state} = after(Array.from({length: 10}, (_, index) => exit(index * 1000)));
  t.is(state.phase, 'exited');
  t.not(restartDelayMs(state, 0), undefined);
});

test('exits that are long ago do not count towards giving up', t => {
  const {state, facts} = after(Array.from({length: 50}, (_, index) => exit(index * 12_000)));
  t.is(state.phase, 'exited');
  t.false(facts.some(({type}) => type === 'runtime.gave-up'));
  t.true(state.earlyExits.length <= 10);
});

test('a process that had served well is started again at once, however often that happens', t => {
  for (let exits = 1; exits <= 100; exits++) {
    const {state} = after(Array.from({length: exits}, (_, index) => exit(index * 600, {upMs: 500})));
    t.is(state.phase, 'exited');
    t.is(restartDelayMs(state, 0), 0);
  }
});

test('one that served well clears the early exits before it', t => {
  const early = (from: number) => Array.from({length: 10}, (_, index) => exit(from + index));
  const {state} = after([...early(0), exit(1000, {upMs: 500}), ...early(2000)]);
  t.is(state.phase, 'exited');
  t.is(after([...early(0), ...early(2000)]).state.phase, 'gave-up');
});

test('one whose handler could not be loaded never served well, however long it was up', t => {
  const broken: Seen = {type: 'reported', loaded: false, error: 'SyntaxError', bootMs: 30};
  const lives = Array.from({length: 11}, (_, index) => [spawned, broken, exit(index * 5000, {upMs: 5000})]);
  t.is(after(lives.slice(0, 3).flat()).state.phase, 'exited');
  t.is(restartDelayMs(after(lives.slice(0, 3).flat()).state, 0), 400);
  t.is(after(lives.flat()).state.phase, 'gave-up');
});

test('newer code begins without the early exits of the code before', t => {
  const before = Array.from({length: 11}, (_, index) => exit(index));
  t.is(after(before).state.phase, 'gave-up');
  const {state} = after([...before, ready, exit(20)]);
  t.is(state.phase, 'exited');
  t.is(restartDelayMs(state, 0), 100);
});

test('an exit that was asked for never leads to giving up', t => {
  for (const reason of ['stopped', 'reloaded', 'stuck'] as const) {
    const {facts} = after([...Array.from({length: 10}, (_, index) => exit(index)), exit(11, {reason})]);
    t.is(facts.at(-1)?.type, 'runtime.exited');
  }
});

test('every other class of exit leads to giving up', t => {
  for (const reason of ['exit-zero', 'exit-nonzero', 'signal', 'oom', 'unspawnable', 'never-ready'] as const) {
    const {state} = after(Array.from({length: 11}, (_, index) => exit(index, {reason})));
    t.is(state.phase, 'gave-up', reason);
  }
});

test('after giving up the cause stays, until newer code is ready', t => {
  const exits = Array.from({length: 11}, (_, index) => exit(index, {reason: 'unspawnable', code: null, error: 'spawn x ENOENT'}));
  t.is(after(exits).state.error, 'The sub-runtime could not be started: spawn x ENOENT');
  const {state} = after([...exits, ready]);
  t.is(state.phase, 'ready');
  t.is(state.error, undefined);
});

test('a restart comes only after an exit', t => {
  for (const seen of [[], [spawned], [spawned, ready]]) t.is(restartDelayMs(after(seen).state, 0), undefined);
});

test('exit code 0 is an exit like any other', t => {
  const {state} = after([spawned, ready, exit(0, {code: 0, reason: 'exit-zero'})]);
  t.is(state.phase, 'exited');
  t.is(restartDelayMs(state, 0), 100);
});

test('a handler that could not be loaded is broken, with its cause, and is not restarted', t => {
  const {state, facts} = after([spawned, {type: 'reported', loaded: false, error: 'SyntaxError', bootMs: 30}]);
  t.is(state.phase, 'broken');
  t.is(state.error, 'SyntaxError');
  t.is(restartDelayMs(state, 0), undefined);
  t.deepEqual(facts.at(-1), {type: 'runtime.ready', data: {bootMs: 30, loaded: false, error: 'SyntaxError'}});
});

test('the cause is forgotten with the process that had it', t => {
  const {state} = after([spawned, {type: 'reported', loaded: false, error: 'SyntaxError', bootMs: 30}, exit(0), spawned]);
  t.is(state.phase, 'booting');
  t.false('error' in state);
});

test('facts say what was seen', t => {
  t.deepEqual(after([spawned, ready, exit(0, {code: null, signal: 'SIGKILL', reason: 'signal', upMs: 7})]).facts, [
    {type: 'runtime.spawned', data: {executable: 'node'}},
    {type: 'runtime.ready', data: {bootMs: 30, loaded: true}},
    {type: 'runtime.exited', data: {code: null, signal: 'SIGKILL', reason: 'signal', upMs: 7}},
  ]);
});

test('a fact about something else changes nothing', t => {
  const state = after([spawned]).state;
  t.is(evolve(state, {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}}, 0), state);
});
