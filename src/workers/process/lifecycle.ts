import type {ExitReason, Fact} from '../../facts.ts';
import {describeExit, type Exit, isOurDoing, isRefusal} from './exit.ts';
import {type RestartPolicy, restartPolicy} from './restart-policy.ts';

/*
When a sub-runtime is started again, as pure functions: `decide` turns what was seen into facts, `evolve` folds facts into
a state, and `restartDelayMs` reads the next step off the state. The supervisor does what they say.
*/

export type Seen = {readonly pid?: number | undefined} & (
  | {readonly type: 'spawned'; readonly executable: string}
  | {readonly type: 'reported'; readonly loaded: boolean; readonly error?: string; readonly bootMs: number}
  | {
      readonly type: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly reason: ExitReason;
      /** The system's message when it could not start the process. */
      readonly error?: string;
      readonly upMs: number;
      /** Monotonic milliseconds. */
      readonly at: number;
      /** The last time at which a process of the function served well, in this place or another; undefined: none has yet. */
      readonly functionServedAt?: number | undefined;
    }
);

export interface LifecycleState {
  /** `broken`: it listens, but the handler could not be loaded; it stays up and answers with the cause. */
  readonly phase: 'idle' | 'booting' | 'ready' | 'broken' | 'exited' | 'gave-up';
  /** Monotonic times of the early exits since a process last served well. Their number sets the back-off, and when to give up. */
  readonly earlyExits: readonly number[];
  /** Monotonic time at which the process began to take calls. */
  readonly readyAt?: number;
  /** Monotonic time at which an earlier process of this place last served well; the process that serves now does not count. */
  readonly servedAt?: number;
  /** The process has answered a call: it has served well, however soon it ends. */
  readonly hasAnswered?: true;
  /** The sub-runtime was given up, and this is one of the rare starts that are tried since. */
  readonly isTrial?: true;
  /** Starts in a row that the host refused. */
  readonly refusals?: number;
  /** Why the handler could not be loaded, or how the last process ended. */
  readonly error?: string;
}

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
      const {code, signal, reason, error, upMs, at, functionServedAt = Number.NEGATIVE_INFINITY} = seen;
      const exited = {
        type: 'runtime.exited',
        data: {code, signal, reason, upMs, ...(error !== undefined && {error}), ...who},
      } as const;
      const exits = earlyExits(state, exited.data, at, policy).length;
      const isVain = state.isTrial && !servedWell(state, exited.data, policy) && !isOurDoing(reason);
      const isServed = at - functionServedAt < policy.withinMs;
      if (isServed || (exits <= policy.exitsAllowed && !isVain)) return [exited];
      return [exited, {type: 'runtime.gave-up', data: {exits, withinMs: policy.withinMs}}];
    }
  }
}

/** @param at monotonic milliseconds */
export function evolve(state: LifecycleState, fact: Fact, at: number, policy = restartPolicy): LifecycleState {
  const served = servedUntil(state, at, policy);
  const past = served !== undefined && {servedAt: served};
  switch (fact.type) {
    case 'runtime.spawned':
      // A trial changes nothing for callers before it is ready: until then they hear that the sub-runtime was given up.
      if (state.phase === 'gave-up') return {...state, isTrial: true};
      return {phase: 'booting', earlyExits: state.earlyExits, ...past, ...(state.refusals !== undefined && {refusals: state.refusals})};
    case 'runtime.ready': {
      // A process that takes over from another runs newer code, or is a spare: earlier exits say nothing about it.
      const isNextStart = state.phase === 'booting' || state.isTrial;
      return {
        phase: fact.data.loaded ? 'ready' : 'broken',
        earlyExits: isNextStart ? state.earlyExits : [],
        readyAt: at,
        ...past,
        ...(state.isTrial && {isTrial: true}),
        ...(fact.data.error !== undefined && {error: fact.data.error}),
      };
    }
    case 'runtime.exited':
      return {
        phase: 'exited',
        earlyExits: earlyExits(state, fact.data, at, policy),
        ...(servedWell(state, fact.data, policy) ? {servedAt: at} : past),
        ...(isRefusal(fact.data) && {refusals: (state.refusals ?? 0) + 1}),
        error: describeExit(fact.data),
      };
    case 'runtime.gave-up':
      return {...state, phase: 'gave-up'};
    default:
      return state;
  }
}

/** The process that serves has answered a call. */
export function answered(state: LifecycleState): LifecycleState {
  return state.phase === 'ready' && !state.hasAnswered ? {...state, hasAnswered: true} : state;
}

/** The monotonic time at which a process of this place last served well: `at` while one does; undefined: none has yet. */
export function servedUntil(state: LifecycleState, at: number, policy = restartPolicy): number | undefined {
  return state.readyAt !== undefined && servedWell(state, {upMs: at - state.readyAt}, policy) ? at : state.servedAt;
}

/**
How long to wait before the next start; undefined while a process exists.

@param random from 0 to 1: jitter shortens the delay by up to half, so that replicas do not start in step
*/
export function restartDelayMs(state: LifecycleState, random: number, policy = restartPolicy): number | undefined {
  const delayMs = longestDelayMs(state, policy);
  return delayMs === undefined ? undefined : Math.round(delayMs * (1 - random / 2));
}

function longestDelayMs({phase, earlyExits, refusals = 0}: LifecycleState, policy: RestartPolicy): number | undefined {
  if (phase === 'gave-up') return policy.trialMs;
  if (phase !== 'exited') return undefined;
  if (refusals > 0) return Math.min(policy.firstDelayMs * 2 ** (refusals - 1), policy.longestRefusedMs);
  return earlyExits.length === 0 ? 0 : Math.min(policy.firstDelayMs * 2 ** (earlyExits.length - 1), policy.longestDelayMs);
}

/** The early exits that count after this exit. An exit that we chose does not count, and does not clear the others when it is early. */
function earlyExits(state: LifecycleState, exit: Exit, at: number, policy: RestartPolicy): readonly number[] {
  if (servedWell(state, exit, policy)) return [];
  const recent = state.earlyExits.filter(exit => at - exit < policy.withinMs);
  return isOurDoing(exit.reason) || isRefusal(exit) ? recent : [...recent, at];
}

type Served = Pick<Exit, 'upMs'> & Partial<Pick<Exit, 'reason'>>;

/** Answers of a process that then breaks the protocol do not count: the next process would soon do the same. */
function servedWell({phase, hasAnswered}: LifecycleState, {upMs, reason}: Served, policy: RestartPolicy): boolean {
  return phase !== 'broken' && ((hasAnswered === true && reason !== 'protocol') || upMs >= policy.wellMs);
}
