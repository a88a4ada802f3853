import type {FaultCode} from './errors.ts';

/**
The catalogue of facts: what the journal keeps. Past tense, plain JSON, units in the names, no bodies, no secrets.
A published type never changes; add another.
*/
export interface FactTypes {
  /** An event was built and may run. First fact of stream `invocation.<id>`. */
  'invocation.accepted': {source: string; bytes: number; attempt: number; traceparent?: string};
  /** It is over, well or badly. Last fact of its stream. */
  'invocation.settled': {
    outcome: 'responded' | 'failed' | 'cancelled' | 'expired';
    status: number;
    code?: FaultCode;
    durationMs: number;
  };
  /**
  An occurrence was claimed: whoever appended this runs it. Stream `schedule.<name>.<occurrence>`; once more in it, with
  the next attempt, when the core that held it did not live to settle the invocation. `occurrence` is ISO 8601 in UTC,
  `core` the boot that runs it; `manual` when somebody asked for it.
  */
  'schedule.fired': {
    name: string;
    occurrence: string;
    cron: string;
    timezone: string;
    invocationId: string;
    attempt: number;
    core: string;
    manual?: true;
  };
  /**
  Occurrences that nobody ran, the last of them and how many since the first: the core was down or its clock was set
  forward, an earlier one was still running, or every attempt ended with the core. `more` when there were more than
  were counted. Stream `schedule.<name>.<occurrence>`.
  */
  'schedule.missed': {
    name: string;
    occurrence: string;
    cron: string;
    timezone: string;
    first: string;
    count: number;
    more?: true;
    reason: 'down' | 'late' | 'overlap' | 'given-up';
  };
  /** A sub-runtime process was started. First fact of stream `runtime.<boot>.<slot>` and after each exit. */
  'runtime.spawned': {executable: string};
  /** It listens. `loaded` is false when the handler could not be imported; `error` says why. */
  'runtime.ready': {bootMs: number; loaded: boolean; error?: string};
  /** It is gone. Code 0 is also an exit: a function never finishes by itself. */
  'runtime.exited': {code: number | null; signal: string | null; reason: ExitReason; upMs: number; error?: string};
  /** The supervisor stopped restarting this sub-runtime. */
  'runtime.gave-up': {exits: number; withinMs: number};
}

/**
Why a sub-runtime ended. By itself: with code 0, with another code, by a signal that was not ours, for want of memory,
or it could not even be started. Ended by us: not ready in time, stuck in a call past its deadline, replaced by newer
code, or stopped with the core.
*/
export type ExitReason = 'exit-zero' | 'exit-nonzero' | 'signal' | 'oom' | 'unspawnable' | 'never-ready' | 'stuck' | 'reloaded' | 'stopped';

export type FactType = keyof FactTypes;
export type Fact = {[T in FactType]: {type: T; data: FactTypes[T]}}[FactType];
