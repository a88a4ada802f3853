import type {ExitReason, Fact, FactTypes} from '../../facts.ts';

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
      /** Until when a process of the function served well, in this place or another; undefined: none did yet. */
      readonly functionServedAt?: number | undefined;
    }
);

export interface LifecycleState {
  /** `broken`: it listens, but the handler could not be loaded; it stays up and answers with the cause. */
  readonly phase: 'idle' | 'booting' | 'ready' | 'broken' | 'exited' | 'gave-up';
  /** Monotonic times of the early exits since a process last served well: how far the back-off has come, and giving up. */
  readonly earlyExits: readonly number[];
  /** Monotonic time since when the process takes calls. */
  readonly readyAt?: number;
  /** Monotonic time until which a process of this place served well, the one that serves now left aside. */
  readonly servedAt?: number;
  /** The process has answered a call: it has served well, however soon it ends. */
  readonly hasAnswered?: true;
  /** It had been given up, and this is one of the rare starts that are tried since. */
  readonly isTrial?: true;
  /** How many starts in a row the host refused. */
  readonly refusals?: number;
  /** Why the handler could not be loaded, or how the last process ended. */
  readonly error?: string;
}

export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /**
  A process that was up for this long, or has answered a call, has served well: whatever it ends by, the next start is at
  once. An end before is early, and only early ends make the back-off longer and lead to giving up.
  */
  readonly wellMs: number;
  /**
  After more early exits than this in a row and within the period it is given up, unless the function served well in any
  place within that period: to give up is to judge the function, and chance may send one place only calls that end it.
  */
  readonly exitsAllowed: number;
  readonly withinMs: number;
  /** Longest pause between two of the starts that are tried after giving up; the shortest is half of it. */
  readonly trialMs: number;
  /** Longest pause after a start that the host refused: such a start costs little, and the host may recover at any moment. */
  readonly longestRefusedMs: number;
}

type Exit = FactTypes['runtime.exited'];

export const restartPolicy: RestartPolicy = {
  firstDelayMs: 100,
  longestDelayMs: 15_000,
  wellMs: 500,
  exitsAllowed: 10,
  withinMs: 120_000,
  trialMs: 60_000,
  longestRefusedMs: 2000,
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
      // A trial changes nothing for callers before it is ready: until then they are told that it was given up.
      if (state.phase === 'gave-up') return {...state, isTrial: true};
      return {phase: 'booting', earlyExits: state.earlyExits, ...past, ...(state.refusals !== undefined && {refusals: state.refusals})};
    case 'runtime.ready': {
      // A process that takes over from another is newer code, or a spare: earlier exits say nothing about it.
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

/** Until when a process of this place served well, in monotonic milliseconds: `at` while one does; undefined: none did yet. */
export function servedUntil(state: LifecycleState, at: number, policy = restartPolicy): number | undefined {
  return state.readyAt !== undefined && servedWell(state, {upMs: at - state.readyAt}, policy) ? at : state.servedAt;
}

/**
How long to wait before the next start; undefined while a process is there.

@param random from 0 to 1: jitter takes up to half of the delay away, so that replicas do not start in step
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

/** An end that somebody asked for: there is nothing to report of it. */
export const isOrdered = (reason: ExitReason) => reason === 'stopped' || reason === 'reloaded';

/** An end that we chose: another start is the cure, however often. */
const isOurDoing = (reason: ExitReason) => isOrdered(reason) || reason === 'stuck';

/**
The host had no descriptor, process or memory left for a start: that says nothing about the function. A program that is
not there (ENOENT) is a mistake in what is started, and counts.

@see errno(3) for what `spawn` reports
*/
const isRefusal = ({reason, error = ''}: Pick<Exit, 'reason' | 'error'>) =>
  reason === 'unspawnable' && /\b(EMFILE|ENFILE|EAGAIN|ENOMEM)$/.test(error);

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
      return 'The sub-runtime was stuck and was replaced';
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
function earlyExits(state: LifecycleState, exit: Exit, at: number, policy: RestartPolicy): readonly number[] {
  if (servedWell(state, exit, policy)) return [];
  const recent = state.earlyExits.filter(exit => at - exit < policy.withinMs);
  return isOurDoing(exit.reason) || isRefusal(exit) ? recent : [...recent, at];
}

function servedWell({phase, hasAnswered}: LifecycleState, {upMs}: Pick<Exit, 'upMs'>, policy: RestartPolicy): boolean {
  return phase !== 'broken' && (hasAnswered === true || upMs >= policy.wellMs);
}
