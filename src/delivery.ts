import type {CallerSignal} from './caller-signal.ts';
import type {Fault} from './errors.ts';
import type {FactTypes} from './facts.ts';
import type {Payload, Position} from './journal.ts';
import type {Hold} from './limits/budget.ts';
import type {OpenRequest} from './passing.ts';
import type {StreamedBody} from './streamed-body.ts';

/*
What a trigger hands over, and what it gets back. Nothing here knows how it arrived: an HTTP request, a message and a tick
of a schedule all are deliveries.
*/

/** One thing that arrived. The trigger makes it, the stages use it. */
export interface Delivery {
  /** Who delivers: 'http', 'cron:nightly'. */
  readonly source: string;
  /** The invocation's id, when the trigger has promised one; by default every delivery gets a new one. */
  readonly id?: string;
  /** Which attempt of the same invocation it is; by default the first. */
  readonly attempt?: number;
  /**
  The revision that the stream of its invocation has, 0 if nobody has begun it. Where several cores write the journal it is not
  run if the stream has another one, as another core has begun or ended it meanwhile.
  */
  readonly revision?: Position | undefined;
  /** Who calls, when the trigger itself vouches for the caller; by default the caller has to show a token. */
  readonly principal?: Principal;
  /** What a caller without credentials gets instead of a refusal, such as the answer to a CORS preflight. */
  readonly anonymousReply?: InvocationResult | undefined;
  /** True: the accepted fact is durable before the function runs. */
  readonly writeAhead: boolean;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** The same, where one that costs less does. */
  readonly callerSignal?: CallerSignal;
  /** True: the signal is that of many deliveries, and lives as long as their trigger. It is watched once, and not for each call. */
  readonly sharesSignal?: boolean;
  /** True: the call is broken off when the signal aborts, also if CORE_CANCEL is `finish`. */
  readonly breaksOff?: boolean;
  /** True: a body that the function makes piece by piece is wanted as it comes. Otherwise it is gathered, within the bound of every reply. */
  readonly streams?: boolean;
  /** Holds the trace context of the sender, when there can be one. */
  readonly traceCarrier?: Fields;
  /** Set by the trace stage: the trace that its metrics may point to. */
  exemplar?: string | undefined;
  /** Describes it for its span; asked only when spans are recorded. */
  subject(): SpanSubject;
  /**
  Called once, when the caller was let in.

  @param form `open`: the body is wanted as it comes, where it can come so. By default it is wanted whole
  @throws Fault BODY_TOO_LARGE, BODY_INCOMPLETE, REQUEST_MALFORMED
  */
  input(form?: 'whole' | 'open'): Input | Promise<Input>;
  /** Called when a sub-runtime has room and the function is called, each time that the call is tried. */
  called?(): void;
  /**
  Asked when the attempt ends and the function was not reached. True: the trigger delivers the same invocation again, so
  that it is not over.
  */
  defers?(): boolean;
  /** Asked when the call was broken off. True: the core stops, and another one is called with it, or this one after its next start. */
  goesOn?(): boolean;
  /** Keeps what becomes of the attempt, and kept its beginning; by default the event stage writes both facts. */
  readonly keeper?: AttemptKeeper;
  /** Acknowledges it: called once, last, after a success or a failure. */
  reply(result: InvocationResult): void;
}

/** A trigger that keeps the facts of its invocations itself, such as one that tries each several times. */
export interface AttemptKeeper {
  /** Called after the reply. */
  ended(end: AttemptEnd): void;
}

/** What became of an attempt that reached the stages behind the event. */
export interface AttemptEnd {
  /** What its last fact says, if the attempt is the last. */
  readonly settled: FactTypes['invocation.settled'];
  /** Why it failed; absent when it succeeded. */
  readonly failed?: FactTypes['attempt.failed'] | undefined;
  /** The payload with the reply, made when it is read; none when there was no reply. `settled` names it, so both are kept or neither. */
  readonly payloads: readonly Payload[];
}

/** Gives a field by its name, in any case; '' when it is absent. */
export interface Fields {
  get(field: string): string;
}

/** What carries a delivery through the stages; Koa's context is one. Its fields say what the caller asks for. */
export interface Carrier extends Fields {
  state: unknown;
}

/** Who called. `credential` is the lower-case header that let them in: the function never sees it. */
export interface Principal {
  readonly subject: string;
  readonly credential?: string;
}

/** What arrived, in one of the shapes that things arrive in. The event stage makes the platform's event of each. */
export type Input = RequestInput | MessageInput;

interface AnyInput {
  /** What the function reads in `requestContext.eventType`: 'http', 'cron', the name of a message system. */
  readonly eventType: string;
  /** What goes back: the function's answer as an HTTP response, or only whether it went well. */
  readonly reply: 'http' | 'outcome';
  readonly body: Buffer;
  /** Members that the event's `requestContext` has besides the usual ones, such as which occurrence of a schedule it is. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Keeps account of memory for the trigger. */
  readonly holder?: Holder;
}

/** An HTTP request. */
export interface RequestInput extends AnyInput {
  readonly shape: 'request';
  readonly method: string;
  /** Decoded, not normalised, without query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Path and query as the request line had them, in ASCII; undefined where `path` tells all of it, as there is neither an escape nor a query. */
  readonly target?: string | undefined;
  /** Name, value, name, value … as received: latin1 text of the bytes. */
  readonly headers: readonly string[];
  readonly sourceIp: string;
  /** What more is known of a request that is passed on as it comes. */
  readonly open?: OpenRequest;
}

/** A message, or anything else that has a body and attributes. */
export interface MessageInput extends AnyInput {
  readonly shape: 'message';
  /** Media type of the body; '' when it is not known. */
  readonly contentType: string;
  /** Name, value, name, value … as Unicode; the function reads them as headers of the event. */
  readonly attributes: readonly string[];
}

/** Charges what one delivery makes the core hold: `written` is given the length of the event as JSON text. @throws Fault INFLIGHT_FULL */
export interface Holder {
  written(length: number): void;
  /** What the event is charged to; absent where no caller can cause the events, as with schedules. */
  readonly eventHold?: Hold | undefined;
  /** Called when the event is charged to somebody else from now on, as its sender may not wait for its end. */
  handedOver?(): void;
  /** What the reply is charged to while it is received; released by the trigger. */
  readonly replyHold: Hold;
}

/** The finished answer. Header names and values are valid; framing is the trigger's. */
export interface InvocationResult {
  readonly status: number;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: Buffer | string;
  /** The Content-Length that the function gave, in digits: what HEAD is answered with in place of the length of `body`. */
  readonly declaredLength?: string;
  /** The body comes piece by piece; `body` is empty then. Once it has ended, `body` is as much of its beginning as is kept. */
  readonly stream?: StreamedBody;
  /** It leaves as a server behind us sent it: with the headers as they are, the length among them if it gave one. */
  readonly passed?: PassedAnswer;
  /** Why the function did not succeed; absent when it did. */
  readonly fault?: Fault;
}

/** What more there is to an answer that is passed on. */
export interface PassedAnswer {
  /** The text beside the status. */
  readonly reason: string;
  /** Name, value, name, value … that came behind the body; known when the body has ended. */
  trailers(): readonly string[];
}

/**
What the span of a delivery says about it, without query and without secrets. `cron` is the expression of the schedule,
`time` the occurrence (ISO 8601). The span of a message (`pubsub`) links to the span of its sender; any other is a child of it. `id`
is that of the message, `attempt` which try of it this is.
*/
export type SpanSubject =
  | {readonly trigger: 'http'; readonly method: string; readonly path: string; readonly address: string}
  | {readonly trigger: 'timer'; readonly name: string; readonly cron?: string; readonly time?: string}
  | {readonly trigger: 'pubsub'; readonly system: string; readonly destination: string; readonly id?: string; readonly attempt?: number}
  | {readonly trigger: 'other'; readonly name: string};
