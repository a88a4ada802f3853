import type {Fact} from '../../src/facts.ts';
import {decide, evolve, initial, type LifecycleState, type Seen} from '../../src/workers/process/lifecycle.ts';
import {type RestartPolicy, restartPolicy} from '../../src/workers/process/restart-policy.ts';

export const exit = (at: number, some: Partial<Extract<Seen, {type: 'exited'}>> = {}): Seen => ({
  type: 'exited',
  code: 1,
  signal: null,
  reason: 'exit-nonzero',
  upMs: 0,
  at,
  ...some,
});

/** The state and all facts after these were seen, each at its time. */
export function after(seen: readonly Seen[], policy: RestartPolicy = restartPolicy): {state: LifecycleState; facts: Fact[]} {
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

export const spawned: Seen = {type: 'spawned', executable: 'node'};
export const ready: Seen = {type: 'reported', loaded: true, bootMs: 30};
