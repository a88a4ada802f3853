import test from 'ava';
import fc from 'fast-check';
import {describeExit} from '../../src/workers/process/exit.ts';
import {decide, evolve, initial, restartDelayMs, type Seen} from '../../src/workers/process/lifecycle.ts';
import {restartPolicy} from '../../src/workers/process/restart-policy.ts';
import {after, exit, ready, spawned} from '../helpers/lifecycle.ts';

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

test('after any events the state stays small, and another start comes', t => {
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
