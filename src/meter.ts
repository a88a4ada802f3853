import type {Fault, FaultCode} from './errors.ts';
import type {ExitReason, FactTypes} from './facts.ts';

/** The spare serves; the process answered before it was ready; it did not become ready; there was no room for it. */
export type SpareOutcome = 'took-over' | 'not-needed' | 'failed' | 'no-memory';

/** `retry`: another try follows; `failed`: none does; `stopped`: the core ended first. */
export type CallbackOutcome = 'delivered' | 'retry' | 'failed' | 'stopped';

/**
What became of an attempt of work: over, with the function's reply; another follows; the function was not reached, so that it does not
count; a dead letter. Or work that ended without one: cancelled, or not started in time.
*/
export type WorkOutcome = 'responded' | 'retried' | 'deferred' | 'dead' | 'cancelled' | 'expired';

/**
What became of a message: the function succeeded; work took it; it is to be delivered again; the broker put it aside; it was done
before; the broker could not be told.
*/
export type MessageOutcome = 'done' | 'accepted' | 'given-back' | 'buried' | 'duplicate' | 'unacknowledged';

/** What a trigger for messages says of itself to each scrape. */
export interface MessageGauges {
  held(): number;
  isConnected(): boolean;
  /** What waits at the broker; undefined where that is not known. */
  lag(): {readonly count: number; readonly oldest?: number | undefined} | undefined;
}

/** The function ended it; it broke off, as the function failed; it took too long, or was silent for too long; its reader left. */
export type StreamOutcome = 'ended' | 'failed' | 'expired' | 'left';

/** What is counted. The code that does the work calls it; names, labels and buckets are known to observe/metrics/ only. */
export interface Meter {
  requestStarted(): void;
  /** A connection of the public port was closed as it came: there were too many. */
  connectionRefused(): void;
  /**
  A public request was answered or its client left. Unknown methods share one label value.

  @param exemplar id of the trace of the request, if it is kept
  */
  requestEnded(method: string, status: number, seconds: number, exemplar?: string): void;
  /** An event went through the stages. `trigger` is the event's type: http, cron … */
  invocationEnded(trigger: string, outcome: 'ok' | 'error', seconds: number, exemplar?: string): void;
  faulted(code: FaultCode): void;
  accepted(): void;
  /**
  An accepted event is over for now.

  @param fault why the function did not succeed; absent when it did
  @param goesOn the stop broke the call off, and it is delivered again
  */
  settled(fault?: Pick<Fault, 'code' | 'reached'>, goesOn?: boolean): void;
  /**
  A reply was cut off while its client read it: the grace time of a stop was over.

  @param wasSettled it was settled before the stop began
  */
  replyCut(wasSettled: boolean): void;
  /** A connection sent a request before the one before it was answered: from now on it is read request by request. */
  pipelined(): void;
  /** A connection was cut off so that what it held is there for others. */
  connectionCut(reason: 'slow-reader' | 'slow-sender'): void;
  /** An accepted event entered or left the invoke stage. */
  inFlight(change: 1 | -1): void;
  /** A reply that the function makes piece by piece is on its way. */
  streamBegan(): void;
  streamEnded(outcome: StreamOutcome): void;
  coldStarted(): void;
  queued(depth: number): void;
  dequeued(depth: number, waitedSeconds: number): void;
  runtimeReady(bootSeconds: number): void;
  runtimeExited(reason: ExitReason): void;
  /** What became of a spare for a sub-runtime that does not answer, or does not end a call. */
  spared(outcome: SpareOutcome): void;
  /** A core process beside the leader ended unasked, and is started again. */
  processRestarted(reason: ExitReason): void;
  /** A sub-runtime that was given up is started once more, to try. */
  runtimeTried(): void;
  /** Facts were kept, this long after they were handed over. */
  appended(seconds: number): void;
  /** An occurrence was fired on time, `lagSeconds` after the moment at which it was due. */
  scheduleFired(schedule: string, lagSeconds: number): void;
  /** The number of occurrences now that have not reached the function yet and are delivered again. */
  scheduleWaits(schedule: string, occurrences: number): void;
  /** When the next occurrence is or was due, wall time in milliseconds; undefined when no occurrence is left. */
  scheduleNext(schedule: string, at: number | undefined): void;
  /** Whether occurrences are passed over now, because a clock that was ahead fired them before their time. */
  scheduleHeld(schedule: string, isHeld: boolean): void;
  /** Occurrences that nobody ran. */
  scheduleMissed(schedule: string, reason: FactTypes['schedule.missed']['reason'], occurrences: number): void;
  /** An attempt of work has ended, or work without one, and that is kept. */
  workAttempted(outcome: WorkOutcome): void;
  /** A try to post a reply to its callback has ended. */
  callbackTried(outcome: CallbackOutcome): void;
  /** A message of a trigger was dealt with. `system`: nats, amqp … */
  messageEnded(trigger: string, system: string, outcome: MessageOutcome): void;
  /** Called once for a trigger of messages. */
  messagesWatched(trigger: string, system: string, gauges: MessageGauges): void;
  /** Called once where batches of CloudEvents are taken. @param remembered events that are not called with again */
  batchesWatched(remembered: () => number): void;
  /** Facts that were dropped, as the journal could not keep up or could not be written. */
  shed(facts: number): void;
  /** Recorded requests and replies that were not kept, or not for as long as the settings say, for lack of room. */
  payloadsShed(payloads: number): void;
  /** Log lines that were not written: those of the function past its budget, and any that stdout did not take. */
  linesDropped(lines: number): void;
  /** Callers that read the journal through the private listener now. */
  readers(count: number): void;
  /** Such a caller was refused, as there are too many, or cut off, as it did not read. */
  readerRefused(reason: 'full' | 'slow'): void;
  /** Spans that the collector did not get: the queue was full, it did not take them, or the stop was over. */
  spansDropped(reason: 'queue_full' | 'not_taken' | 'stopped', spans: number): void;
  /** The key set that verifies callers could not be fetched. */
  keySetFailed(): void;
  /** Called once, with the function that gives the age of the key set to each scrape. */
  keySetAge(seconds: () => number): void;
}
