import test from 'ava';
import fc from 'fast-check';
import type {Fact} from '../../src/facts.ts';
import {describeExit} from '../../src/workers/process/exit.ts';
import {
  answered,
  decide,
  evolve,
  initial,
  type LifecycleState,
  restartDelayMs,
  type Seen,
  servedUntil,
} from '../../src/workers/process/lifecycle.ts';
import {type RestartPolicy, restartPolicy} from '../../src/workers/process/restart-policy.ts';

const exit = (at: number, some: Partial<Extract<Seen, {type: 'exited'}>> = {}): Seen => ({
  type: 'exited',
  code: 1,
  signal: null,
  reason: 'exit-nonzero',
  upMs: 0,
  at,
  ...some,
});

/** The state and all facts after these were seen, each at its time. */
function after(seen: readonly Seen[], policy: RestartPolicy = restartPolicy): {state: LifecycleState; facts: Fact[]} {
  let state = initial;
  const facts: Fact[] = [];
  for (const each of seen) {
    for (const fact of decide(state, each, policy)) {
      facts.push(fact);
      state = evolve(state, fact, each.type === 'exited' ? each.at : 0, policy);
    }
  }
  return {state, facts};
}

const spawned: Seen = {type: 'spawned', executable: 'node'};
const ready: Seen = {type: 'reported', loaded: true, bootMs: 30};

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

const refusals = ['spawn node EMFILE', 'spawn ENOMEM', 'spawn /usr/bin/php EAGAIN', 'spawn python3 ENFILE'];
for (const error of refusals) {
  test(`what the host refuses (${error}) is tried again for ever, after a pause that grows to 2 s`, t => {
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

test('a program that is not there, or may not be executed, is no refusal of the host', t => {
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

test('every other class of exit does', t => {
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

test('there is no restart but after an exit', t => {
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

test('facts tell what was seen', t => {
  t.deepEqual(after([spawned, ready, exit(0, {code: null, signal: 'SIGKILL', reason: 'signal', upMs: 7})]).facts, [
    {type: 'runtime.spawned', data: {executable: 'node'}},
    {type: 'runtime.ready', data: {bootMs: 30, loaded: true}},
    {type: 'runtime.exited', data: {code: null, signal: 'SIGKILL', reason: 'signal', upMs: 7}},
  ]);
});

test('a fact of something else changes nothing', t => {
  const state = after([spawned]).state;
  t.is(evolve(state, {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}}, 0), state);
});

test('the back-off doubles up to its longest', t => {
  const patient = {...restartPolicy, exitsAllowed: 100};
  const delays = Array.from({length: 10}, (_, exits) =>
    restartDelayMs(
      after(
        Array.from({length: exits + 1}, (_, index) => exit(index)),
        patient,
      ).state,
      0,
      patient,
    ),
  );
  t.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
});

test('the back-off starts anew once a process served well', t => {
  t.is(restartDelayMs(after([exit(0), exit(1), exit(2), exit(3, {upMs: 500})]).state, 0), 0);
  t.is(restartDelayMs(after([exit(0), exit(1), exit(2), exit(3, {upMs: 500}), exit(4)]).state, 0), 100);
  t.is(restartDelayMs(after([exit(0), exit(1), exit(2), exit(3, {upMs: 499})]).state, 0), 800);
});

test('an end that we chose makes the back-off neither longer nor shorter', t => {
  for (const reason of ['stopped', 'reloaded', 'stuck'] as const)
    t.is(restartDelayMs(after([exit(0), exit(1), exit(2), exit(3, {reason})]).state, 0), 400);
});

test('jitter takes up to half of the delay away', t => {
  const {state} = after([exit(0), exit(1), exit(2)]);
  fc.assert(
    fc.property(fc.double({min: 0, max: 1, noNaN: true}), random => {
      const delay = restartDelayMs(state, random) ?? 0;
      return delay >= 200 && delay <= 400 && Number.isInteger(delay);
    }),
  );
  t.pass();
});

test('whatever happens, the state stays small and another start comes', t => {
  const steps = fc.array(fc.tuple(fc.constantFrom<Seen['type']>('spawned', 'reported', 'exited'), fc.nat(60_000), fc.nat(60_000)), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, plan => {
      let at = 0;
      let state = initial;
      for (const [type, pauseMs, upMs] of plan) {
        at += pauseMs;
        const seen: Seen = type === 'spawned' ? spawned : type === 'reported' ? ready : exit(at, {upMs});
        for (const fact of decide(state, seen)) state = evolve(state, fact, at);
        if (state.earlyExits.length > restartPolicy.exitsAllowed + 5) return false;
        const isThere = state.phase === 'idle' || state.phase === 'booting' || state.phase === 'ready';
        if ((restartDelayMs(state, 0) === undefined) !== isThere) return false;
      }
      return true;
    }),
  );
  t.pass();
});

/** What a function does in turn: how long each of its processes is up, -1 for one that never was ready. */
const lives = fc.array(fc.oneof(fc.constant(-1), fc.nat(2000)), {minLength: 1, maxLength: 60});

/** Plays the lives through, and tells each end and the pause after it. */
function play(upTimes: readonly number[]): {upMs: number; at: number; delayMs: number | undefined}[] {
  let at = 0;
  let state = initial;
  const told = [];
  for (const upMs of upTimes) {
    const seen: Seen[] = upMs < 0 ? [spawned] : [spawned, ready];
    at += Math.max(0, upMs);
    for (const each of [...seen, exit(at, {upMs: Math.max(0, upMs)})])
      for (const fact of decide(state, each)) state = evolve(state, fact, at);
    const delayMs = state.phase === 'gave-up' ? undefined : restartDelayMs(state, 0);
    told.push({upMs, at, delayMs});
    if (delayMs === undefined) break;
    at += delayMs;
  }
  return told;
}

test('it is given up only after a row of early exits within the period', t => {
  fc.assert(
    fc.property(lives, upTimes => {
      const told = play(upTimes);
      if (told.at(-1)?.delayMs !== undefined) return true;
      const row = told.slice(-restartPolicy.exitsAllowed - 1);
      return (
        row.length > restartPolicy.exitsAllowed &&
        row.every(({upMs}) => upMs < restartPolicy.wellMs) &&
        (row.at(-1)?.at ?? 0) - (row[0]?.at ?? 0) < restartPolicy.withinMs
      );
    }),
  );
  t.pass();
});

test('starts are few however it ends: none early one follows within the back-off that its row asks for', t => {
  fc.assert(
    fc.property(lives, upTimes => {
      let row = 0;
      return play(upTimes).every(({upMs, delayMs}) => {
        row = upMs >= restartPolicy.wellMs ? 0 : row + 1;
        if (delayMs === undefined) return true;
        return row === 0 ? delayMs === 0 : delayMs >= Math.min(100 * 2 ** (row - 1), 12_800);
      });
    }),
  );
  t.pass();
});

test('an exit is described in one sentence', t => {
  const none = {code: null, signal: null};
  t.is(describeExit({...none, reason: 'exit-zero', code: 0}), 'The sub-runtime exited with code 0');
  t.is(describeExit({...none, reason: 'exit-nonzero', code: 3}), 'The sub-runtime exited with code 3');
  t.is(describeExit({...none, reason: 'signal', signal: 'SIGKILL'}), 'The sub-runtime was ended by SIGKILL');
  t.is(describeExit({...none, reason: 'unspawnable', error: 'spawn x ENOENT'}), 'The sub-runtime could not be started: spawn x ENOENT');
  t.is(describeExit({...none, reason: 'never-ready', signal: 'SIGKILL'}), 'The sub-runtime was not ready in time and was killed');
  t.is(describeExit({...none, reason: 'oom', signal: 'SIGKILL'}), 'The sub-runtime ran out of memory and was killed');
  t.is(describeExit({...none, reason: 'stuck'}), 'The sub-runtime was stuck and was replaced');
  t.is(describeExit({...none, reason: 'reloaded'}), 'The sub-runtime was replaced by newer code');
  t.is(describeExit({...none, reason: 'stopped', code: 0}), 'The sub-runtime was stopped');
});
