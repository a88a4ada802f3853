import type {ExitReason, Fact, FactTypes} from '../facts.ts';

/*
When a sub-runtime is started again, as pure functions: `decide` turns what was seen into facts, `evolve` folds facts
into a state, `restartDelayMs` reads the next step off the state. The supervisor does what they say.
*/

export type Seen = {readonly pid?: number | undefined} & (
  | {readonly type: 'spawned'; readonly executable: string}
  | {readonly type: 'reported'; readonly loaded: boolean; readonly error?: string; readonly bootMs: number}
  | {
      readonly type: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly reason: ExitReason;
      /** What the system said when it could not be started. */
      readonly error?: string;
      readonly upMs: number;
      /** Monotonic milliseconds. */
      readonly at: number;
    }
);

export interface LifecycleState {
  /** `broken`: it listens, but the handler could not be loaded; it stays up and answers with the cause. */
  readonly phase: 'idle' | 'booting' | 'ready' | 'broken' | 'exited' | 'gave-up';
  /** Monotonic times of the early exits since a process last served well: how far the back-off has come, and giving up. */
  readonly earlyExits: readonly number[];
  /** Why the handler could not be loaded, or how the last process ended. */
  readonly error?: string;
}

export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /**
  Up for this long a process has served well: whatever it ends by, the next start is at once. An end before is early, and
  only early ends make the back-off longer and lead to giving up: then another start would not help.
  */
  readonly wellMs: number;
  /** More early exits than this in a row and within the period, and it is not started again. */
  readonly exitsAllowed: number;
  readonly withinMs: number;
}

type Exit = FactTypes['runtime.exited'];

export const restartPolicy: RestartPolicy = {
  firstDelayMs: 100,
  longestDelayMs: 15_000,
  wellMs: 500,
  exitsAllowed: 10,
  withinMs: 120_000,
};

export const initial: LifecycleState = {phase: 'idle', earlyExits: []};

/** @see Erlang/OTP `supervisor`, restart intensity and period */
export function decide(state: LifecycleState, seen: Seen, policy = restartPolicy): readonly [Fact, ...Fact[]] {
  const who = seen.pid === undefined ? {} : {pid: seen.pid};
  switch (seen.type) {
    case 'spawned':
      return [{type: 'runtime.spawned', data: {executable: seen.executable, ...who}}];
    case 'reported': {
      const {loaded, error, bootMs} = seen;
      return [{type: 'runtime.ready', data: {bootMs, loaded, ...(error !== undefined && {error}), ...who}}];
    }
    case 'exited': {
      const {code, signal, reason, error, upMs, at} = seen;
      const exited = {
        type: 'runtime.exited',
        data: {code, signal, reason, upMs, ...(error !== undefined && {error}), ...who},
      } as const;
      const exits = earlyExits(state, exited.data, at, policy).length;
      if (exits <= policy.exitsAllowed) return [exited];
      return [exited, {type: 'runtime.gave-up', data: {exits, withinMs: policy.withinMs}}];
    }
  }
}

/** @param at monotonic milliseconds */
export function evolve(state: LifecycleState, fact: Fact, at: number, policy = restartPolicy): LifecycleState {
  switch (fact.type) {
    case 'runtime.spawned':
      return {phase: 'booting', earlyExits: state.earlyExits};
    case 'runtime.ready':
      return {
        phase: fact.data.loaded ? 'ready' : 'broken',
        // Who takes over from another is newer code, or a spare: what was before tells nothing of it.
        earlyExits: state.phase === 'booting' ? state.earlyExits : [],
        ...(fact.data.error !== undefined && {error: fact.data.error}),
      };
    case 'runtime.exited':
      return {
        phase: 'exited',
        earlyExits: earlyExits(state, fact.data, at, policy),
        error: describeExit(fact.data),
      };
    case 'runtime.gave-up':
      return {...state, phase: 'gave-up'};
    default:
      return state;
  }
}

/**
How long to wait before the next start; undefined when there is none to come.

@param random from 0 to 1: jitter takes up to half of the delay away, so that replicas do not start in step
*/
export function restartDelayMs(state: LifecycleState, random: number, policy = restartPolicy): number | undefined {
  if (state.phase !== 'exited') return undefined;
  const exits = state.earlyExits.length;
  if (exits === 0) return 0;
  const delayMs = Math.min(policy.firstDelayMs * 2 ** (exits - 1), policy.longestDelayMs);
  return Math.round(delayMs * (1 - random / 2));
}

/** An end that somebody asked for: there is nothing to report of it. */
export const isOrdered = (reason: ExitReason) => reason === 'stopped' || reason === 'reloaded';

/** An end that we chose: another start is the cure, however often. */
const isOurDoing = (reason: ExitReason) => isOrdered(reason) || reason === 'stuck';

/** An exit in one sentence, for the log and for whoever waited. */
export function describeExit({reason, code, signal, error}: Omit<Exit, 'upMs'>): string {
  switch (reason) {
    case 'unspawnable':
      return `The sub-runtime could not be started: ${error}`;
    case 'never-ready':
      return 'The sub-runtime was not ready in time and was killed';
    case 'oom':
      return 'The sub-runtime ran out of memory and was killed';
    case 'stuck':
      return 'The sub-runtime did not end a call past its deadline and was replaced';
    case 'reloaded':
      return 'The sub-runtime was replaced by newer code';
    case 'stopped':
      return 'The sub-runtime was stopped';
    case 'signal':
      return `The sub-runtime was ended by ${signal}`;
    default:
      return `The sub-runtime exited with code ${code}`;
  }
}

/** The early exits that count once this one has been seen. One that we chose neither counts nor, when early, clears the others. */
function earlyExits(state: LifecycleState, {reason, upMs}: Exit, at: number, policy: RestartPolicy): readonly number[] {
  if (upMs >= policy.wellMs && state.phase !== 'broken') return [];
  const recent = state.earlyExits.filter(exit => at - exit < policy.withinMs);
  return isOurDoing(reason) ? recent : [...recent, at];
}
