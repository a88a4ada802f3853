import type {ExitReason, Fact} from '../facts.ts';

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
  /** Exits since it last was up for a stable time: how far the back-off has come. */
  readonly failures: number;
  /** Monotonic times of the exits that count towards giving up. */
  readonly exits: readonly number[];
  /** Why the handler could not be loaded, or how the last process ended. */
  readonly error?: string;
}

export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Up for this long, and the back-off starts anew. */
  readonly stableMs: number;
  /** More exits than this within the period, and it is not started again. */
  readonly exitsAllowed: number;
  readonly withinMs: number;
}

export const restartPolicy: RestartPolicy = {
  firstDelayMs: 100,
  longestDelayMs: 15_000,
  stableMs: 30_000,
  exitsAllowed: 10,
  withinMs: 120_000,
};

export const initial: LifecycleState = {phase: 'idle', failures: 0, exits: []};

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
      const exited: Fact = {type: 'runtime.exited', data: {code, signal, reason, upMs, ...(error !== undefined && {error}), ...who}};
      const exits = recent(state.exits, at, policy).length + 1;
      if (isOurDoing(reason) || exits <= policy.exitsAllowed) return [exited];
      return [exited, {type: 'runtime.gave-up', data: {exits, withinMs: policy.withinMs}}];
    }
  }
}

/** @param at monotonic milliseconds */
export function evolve(state: LifecycleState, fact: Fact, at: number, policy = restartPolicy): LifecycleState {
  switch (fact.type) {
    case 'runtime.spawned':
      return {phase: 'booting', failures: state.failures, exits: state.exits};
    case 'runtime.ready':
      return {
        phase: fact.data.loaded ? 'ready' : 'broken',
        failures: state.failures,
        exits: state.exits,
        ...(fact.data.error !== undefined && {error: fact.data.error}),
      };
    case 'runtime.exited':
      return {
        phase: 'exited',
        failures: fact.data.upMs >= policy.stableMs ? 1 : state.failures + 1,
        exits: [...recent(state.exits, at, policy), at],
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
  const delayMs = Math.min(policy.firstDelayMs * 2 ** (state.failures - 1), policy.longestDelayMs);
  return Math.round(delayMs * (1 - random / 2));
}

/** An end that we chose tells nothing of the function's health. */
export const isOurDoing = (reason: ExitReason) => reason === 'stopped' || reason === 'reloaded' || reason === 'stuck';

/** An exit in one sentence, for the log and for whoever waited. */
export function describeExit({
  reason,
  code,
  signal,
  error,
}: {
  reason: ExitReason;
  code: number | null;
  signal: string | null;
  error?: string;
}): string {
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

function recent(exits: readonly number[], at: number, policy: RestartPolicy): readonly number[] {
  return exits.filter(exit => at - exit < policy.withinMs);
}
