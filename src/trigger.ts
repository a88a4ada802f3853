import type {Clock} from './clock.ts';
import type {Fault} from './errors.ts';
import type {Journal} from './journal.ts';
import type {Budget, Hold} from './limits/budget.ts';
import type {Log} from './log.ts';
import type {Meter} from './meter.ts';
import type {Parsed, Settings} from './settings/setting.ts';

/** One thing that arrived. The plug-in makes it, the stages use it; nobody else knows HTTP from cron. */
export interface Delivery {
  /** Who delivers: 'http', 'cron:nightly'. */
  readonly source: string;
  /** The invocation's id, when the trigger has promised one; by default every delivery gets a new one. */
  readonly id?: string;
  /** Which try of the same invocation it is; by default the first. */
  readonly attempt?: number;
  /** Set when the trigger itself vouches for the caller. */
  readonly principal?: Principal;
  /** What a caller without credentials gets instead of a refusal, such as the answer to a CORS preflight. */
  readonly anonymousReply?: InvocationResult | undefined;
  /** True: the accepted fact is durable before the function runs. */
  readonly writeAhead: boolean;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Set by the trace stage: the trace that its metrics may point to. */
  exemplar?: string | undefined;
  /**
  Asked when the attempt ends and the function was not reached. True: the trigger delivers the same invocation again, so
  that it is not over.
  */
  defers?(): boolean;
  /** A sub-runtime has room: the function is called now. Called for each time that the call is tried. */
  called?(): void;
  /** True: the call is broken off when the signal aborts, whatever CORE_CANCEL says. */
  readonly breaksOff?: boolean;
  /** What its span tells; asked only when spans are recorded. */
  subject(): SpanSubject;
  /** Called once. @throws Fault BODY_TOO_LARGE, BODY_INCOMPLETE, REQUEST_MALFORMED */
  input(): Promise<TriggerInput>;
  /** Called once, last; faults arrive here as results. */
  reply(result: InvocationResult): void;
}

/**
What a span tells of a delivery. Without query, without secrets. `cron` is the expression of the schedule, `time` the
occurrence (ISO 8601); from `producer` the trace context is read that came with a message.
*/
export type SpanSubject =
  | {readonly trigger: 'http'; readonly method: string; readonly path: string; readonly address: string}
  | {readonly trigger: 'timer'; readonly name: string; readonly cron?: string; readonly time?: string}
  | {readonly trigger: 'pubsub'; readonly system: string; readonly destination: string; readonly producer?: Pick<Carrier, 'get'>}
  | {readonly trigger: 'other'; readonly name: string};

/** Who called. `credential` is the lower-case header that let them in: the function never sees it. */
export interface Principal {
  readonly subject: string;
  readonly credential?: string;
}

/** What a trigger knows of an event before it is built. */
export interface TriggerInput {
  /** `requestContext.eventType`: 'http' wants an HTTP reply, any other only to know whether it went well. */
  readonly eventType: string;
  readonly method: string;
  /** Decoded, not normalised, without query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Name, value, name, value … as received: latin1 text of the bytes. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly sourceIp: string;
  /** Keeps account of memory for the trigger. */
  readonly holder?: Holder;
  readonly schedule?: {readonly name: string; readonly occurrence: string};
}

/** Charges what one delivery makes the core hold: `written` is told how long the event became as JSON text. @throws Fault INFLIGHT_FULL */
export interface Holder {
  written(length: number): void;
  /** What the event is charged to; absent where the trigger's events are its own. */
  readonly eventHold?: Hold | undefined;
  /** What the reply is charged to while it is received; released by the trigger. */
  readonly replyHold: Hold;
}

/** The finished answer. Header names and values are valid; framing is the trigger's. */
export interface InvocationResult {
  readonly status: number;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: Buffer | string;
  /** Why it is no success of the function, if so. */
  readonly fault?: Fault;
}

/** What carries an event into the stages; Koa's context is one. */
export interface Carrier {
  get(field: string): string;
  state: unknown;
}

/** What the composition root lends to a trigger. */
export interface House {
  /** Walks the six stages. Never rejects: the delivery's `reply` gets every outcome. */
  deliver(carrier: Carrier, delivery: Delivery): Promise<void>;
  /** Answers with the metrics, behind the same authentication as the function. */
  scrape(carrier: Carrier, delivery: Delivery): Promise<void>;
  /** Aborts when the grace time of a stop is over: what is still in flight is cut off. */
  readonly hurry: AbortSignal;
  /** Other processes of this core listen on the same port. */
  readonly isShared: boolean;
  /** Of those this one closes the port last: what waits for the others may still come to it. */
  readonly closesLast: boolean;
  /** Bytes that a trigger holds for others are charged to it. */
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** What it also lends to a trigger that claims work in the journal. Only the process that owns the journal opens these. */
export interface ClaimingHouse extends House {
  /** Where work is claimed, so that only one of several cores does it. */
  readonly journal: Journal;
  /** This boot of this core, as its claims name it. */
  readonly core: string;
  /** How long a claim by another core counts as being worked on; 0 while no other core can write the journal. */
  readonly leaseMs: number;
}

export interface OpenTrigger extends AsyncDisposable {
  /** Where it can be reached, when it can. */
  readonly url?: string;
  /** What it fires by time, when it does. */
  readonly schedules?: Schedules;
}

/** Schedules as the private listener shows and fires them. */
export interface Schedules {
  list(): readonly ScheduleView[];
  /**
  Fires one now, and resolves when the function has answered.

  @param at the occurrence that the event carries, not in the future; by default now
  */
  fire(name: string, at?: number): Promise<FireOutcome>;
}

export interface ScheduleView {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly catchUp: string;
  readonly overlap: string;
  /** `none`, or how much later than its time an occurrence is delivered at most. */
  readonly jitter: string;
  /** The occurrences to come, ISO 8601 in UTC, without their jitter. */
  readonly next: readonly string[];
}

/** What became of a wish to fire: it ran, well or with a fault, or it did not and `refused` says why. */
export type FireOutcome =
  | {readonly refused: string; readonly why: 'unknown' | 'invalid' | 'conflict'}
  | {
      readonly schedule: string;
      readonly occurrence: string;
      readonly invocationId: string;
      readonly status: number;
      readonly error?: string;
      /** It did not reach the function, and is delivered again. */
      readonly waits?: true;
    };

export interface TriggerPlugin<S extends Settings, H extends House = ClaimingHouse> {
  readonly settings: S;
  /** Starts deliveries. Disposing stops new ones at once and waits for those in flight. */
  open(section: Parsed<S>, house: H): Promise<OpenTrigger>;
}
