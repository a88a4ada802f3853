import type {FaultCode} from './errors.ts';

/**
The catalogue of facts: what the journal keeps. Past tense, plain JSON, units in the names, no bodies, no secrets.
A published type never changes; add another. In a journal that several cores may write, each fact has in `core` the boot that
wrote it.
*/
export interface FactTypes {
  /** An event was built and may run. First fact of stream `invocation.<id>`. `dataref` names the payload with the request, `owner` is a hash of who sent work. */
  'invocation.accepted': {
    source: string;
    bytes: number;
    attempt: number;
    traceparent?: string;
    dataref?: string;
    owner?: string;
    core?: string;
  };
  /**
  It is over, well or badly. Last fact of its stream. `dataref` names the payload with the reply, `pid` the process that ran
  it. `durationMs` counts from its arrival; so does `calledAtMs`, the moment at which the function was called. The call took
  `calledMs`, and had waited `waitedMs` before; `cold` when it waited for a process to start. A reply that was made piece by piece
  had `streamedBytes`, and its call took `calledMs` until the first of them; `status` is what its caller got, whatever broke it off. Of
  a body that was passed on as it came, `receivedBytes` were.
  */
  'invocation.settled': {
    outcome: 'responded' | 'failed' | 'cancelled' | 'expired' | 'dead-lettered';
    status: number;
    code?: FaultCode;
    durationMs: number;
    waitedMs?: number;
    cold?: true;
    calledAtMs?: number;
    calledMs?: number;
    pid?: number;
    core?: string;
    dataref?: string;
    streamedBytes?: number;
    receivedBytes?: number;
  };
  /**
  What the function wrote during an invocation that is kept in full, as its bridge told it apart. Stream `log.<id>`, as
  the last lines come after the end of the invocation. `bytes` is their text, `dropped` counts lines for which there was no
  room, `dataref` names the payload with the lines.
  */
  'invocation.logged': {lines: number; bytes: number; dropped?: number; dataref: string; core?: string};
  /**
  An occurrence was claimed: the core that appended this runs it. Stream `schedule.<name>.<occurrence>`, which has it again, with
  the next attempt, when the core that held it ended before it had settled the invocation. `occurrence` is ISO 8601 in UTC,
  `core` the boot that runs it; `manual` when somebody asked for it; `delivery` when work runs it, whose attempts are those of the
  invocation.
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
    delivery?: 'work';
  };
  /**
  Occurrences that nobody ran: the last one, and how many since the first. The core was down or its clock was set
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
    core?: string;
  };
  /**
  Somebody paused a schedule, or let it fire by time again, at this moment (ISO 8601 in UTC). Stream `pause.<name>`, which has the
  fact about a pause again while it goes on.
  */
  'schedule.paused': {name: string; since: string; core?: string};
  'schedule.resumed': {name: string; since: string; core?: string};
  /** Somebody paused the work of all cores on the journal at one of them, or let it start again, at this moment (ISO 8601 in UTC). Stream `work.pause`. */
  'work.paused': {core: string; since: string};
  'work.resumed': {core: string; since: string};
  /** Somebody had a dead letter forgotten. Stream `work`, as the last fact of its invocation stays the last. */
  'work.dropped': {invocationId: string; core?: string};
  /** The function is about to be called. Only for deliveries that are written ahead, as is the failure of an attempt. */
  'attempt.started': {attempt: number; epoch: number; pid?: number; core?: string};
  'attempt.failed': {attempt: number; class: AttemptFailure; retryable: boolean; code: FaultCode; pid?: number; core?: string};
  /** A dead letter runs again, with attempts anew, `deadForMs` after it was put aside. Its stream goes on. */
  'invocation.redriven': {deadForMs: number; core?: string};
  /** Another attempt follows later. */
  'retry.scheduled': {attempt: number; afterMs: number; core?: string};
  /** A sub-runtime process was started. Stream `runtime.<boot>`. */
  'runtime.spawned': {executable: string; pid?: number; core?: string};
  /** It listens. `loaded` is false when the handler could not be imported; `error` says why. */
  'runtime.ready': {bootMs: number; loaded: boolean; error?: string; pid?: number; core?: string};
  /** It has ended. Exit code 0 counts, too, as a function never finishes by itself. */
  'runtime.exited': {
    code: number | null;
    signal: string | null;
    reason: ExitReason;
    upMs: number;
    error?: string;
    pid?: number;
    core?: string;
  };
  /** The supervisor stopped restarting this sub-runtime. */
  'runtime.gave-up': {exits: number; withinMs: number; core?: string};
  /** The core started, with these settings: SHA-256 of all that are not secrets. Stream `runtime.<boot>`. */
  'config.loaded': {version: string; digest: string; core?: string};
  /** The code that is served from now on: SHA-256 of the handler's file. Stream `runtime.<boot>`. */
  'code.loaded': {digest: string; handler: string; core?: string};
  /**
  A recorded invocation was run again, and its outcome compared with the recorded one; with a `candidate`, those of two
  versions of the code with one another. Both are SHA-256 of the handlers' files. Stream `replay.<id>`.
  */
  'replay.compared': {
    invocationId: string;
    verdict: 'same' | 'noise' | 'status' | 'headers' | 'body' | 'error';
    baseline?: string;
    candidate?: string;
    core?: string;
  };
  /** Payloads were removed, for their age or for lack of room. Stream `journal`. */
  'payload.shredded': {payloads: number; until: number; core?: string};
}

/** Why an attempt did not succeed. */
export type AttemptFailure = 'error' | 'timeout' | 'crash' | 'oom' | 'lost' | 'busy' | 'cancelled';

/** The last fact of a stream is one of these. */
export const isLast = (type: FactType) => type === 'invocation.settled';

/**
Why a sub-runtime ended. By itself: with code 0, with another code, by a signal that was not the core's, for lack of memory,
or because it could not even be started. Ended by the core: not ready in time, stuck (in a call that ran for longer than
CORE_TIMEOUT, or without its listener), listening where others reach it, replaced by newer code, or stopped with the core.
*/
export type ExitReason =
  | 'exit-zero'
  | 'exit-nonzero'
  | 'signal'
  | 'oom'
  | 'unspawnable'
  | 'never-ready'
  | 'stuck'
  | 'protocol'
  | 'exposed'
  | 'reloaded'
  | 'stopped';

export type FactType = keyof FactTypes;
export type Fact = {[T in FactType]: {type: T; data: FactTypes[T]}}[FactType];
