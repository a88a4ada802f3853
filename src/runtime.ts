import type {CallerSignal} from './caller-signal.ts';
import type {ExitReason} from './facts.ts';
import type {Hold} from './limits/budget.ts';
import type {OpenRequest, PassedReply, PassedRequest} from './passing.ts';
import type {FunctionSettings} from './settings/function.ts';
import type {StreamedBody, StreamLimits} from './streamed-body.ts';

/** What is served: the handler, and the program that runs it. */
export interface FunctionSpec {
  /** For people: node, python, php, binary, or foreign for a bridge that is not ours. */
  readonly language: string;
  /** Absolute; completed with its extension when our own bridge loads it. */
  readonly handlerPath: string;
  readonly handlerName: string;
  readonly command: Command;
}

/** What to spawn, and how to know that it is ready. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** `report`: it is ready when it reports, as our bridges do. `port`: also when its port accepts. */
  readonly readiness: 'report' | 'port';
  /** Calls at a time when CORE_CONCURRENCY says nothing. */
  readonly concurrency: number;
  /** What to say when `file` is not found in PATH, and what to do about it. */
  readonly missing?: string;
}

/** A language whose handlers our own bridge loads. */
export interface RuntimeAdapter {
  /** File extensions, with the dot, of its handlers. */
  readonly extensions: readonly string[];
  /** The bridge's file. */
  readonly bridge: string;
  /** What executes the bridge when SCW_RUNTIME_BINARY says nothing: a path, or a name looked up in PATH. */
  readonly interpreter: string;
  /** The language as people call it, and what to install where the interpreter is missing, as Debian calls it. */
  readonly install?: {readonly name: string; readonly packages: string};
  /** Calls at a time when CORE_CONCURRENCY says nothing. */
  readonly concurrency: number;
  /** Arguments with which the interpreter keeps its heap below so many bytes. Absent where there are none. */
  readonly heapArgs?: (interpreter: string, bytes: number) => readonly string[];
  /** Says itself what is served, where it is named by CORE_RUNTIME. Absent: the bridge loads the handler's file. @throws ConfigurationError */
  readonly resolve?: (settings: FunctionSettings) => FunctionSpec;
}

/** When an invocation must have been answered, and the limit from which that follows. */
export interface Deadline {
  /** On the monotonic clock. */
  readonly monotonicMs: number;
  readonly timeoutMs: number;
}

/** W3C trace context as it travels on: to the sub-runtime and into `context.trace`. */
export interface InvocationTrace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** How the function gets the bytes of a body: as text, as base64 made of them, or as text that is base64 already. */
export type BodyForm = 'text' | 'bytes' | 'base64';

/** An event, written once as JSON but for its body, which is escaped only where the hop needs it. */
export interface WrittenEvent {
  /** `{"event":{…`, up to its last member before the body. */
  readonly start: string;
  readonly body: Buffer;
  readonly form: BodyForm;
  /** `,"context":{…,"trace":`: the trace follows, which is known when the call has its span. */
  readonly context: string;
  /** Has the body in place of `body` where it is still to come. */
  readonly open?: OpenRequest;
  /** `,"handlerPath":…,"handlerName":…`: what a sub-runtime that is called over HTTP gets beside them. */
  readonly handler: string;
}

/** What a call of the function sends, in the way of its protocol. */
export type Written = WrittenEvent | PassedRequest;

/** One call of the function. */
export interface RuntimeCall {
  readonly invocationId: string;
  readonly event: Written;
  /** When the function must have answered: wall time, milliseconds since 1970. */
  readonly deadlineMs: number;
  /** The same moment on the monotonic clock. */
  readonly deadline: number;
  /** The limit from which the deadline follows, for the message. */
  readonly timeoutMs: number;
  /** Aborts when the call is not wanted any more; only where CORE_CANCEL says so. */
  readonly signal: CallerSignal | undefined;
  /** The signal is that of many calls. */
  readonly isSignalShared?: boolean | undefined;
  readonly trace: InvocationTrace | undefined;
  /** The share that the body is charged to. It is kept until the sub-runtime is done with the call. */
  readonly eventHold?: Hold | undefined;
  /** The share that the reply is charged to while it comes. */
  readonly replyHold?: Hold | undefined;
  /** A body that is made piece by piece is wanted as it comes, within these limits. Absent: the reply is wanted whole. */
  readonly streams?: StreamLimits | undefined;
}

/** What the sub-runtime answered, unjudged. */
export type RuntimeReply = EventReply | PassedReply;

/** What it answered to an event. */
export type EventReply = HttpReply | ChannelReply;

/** An answer over HTTP. */
export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  /** False when only the end of the connection ended the body: it may have been cut off. */
  readonly framed: boolean;
  readonly body: Buffer;
  /** More of the body comes piece by piece: `body` is only what of it is here by now. */
  readonly stream?: StreamedBody;
}

/** An answer on the channel: what the handler returned as JSON, and beside it a body that was text or bytes. */
export interface ChannelReply {
  readonly status: 200 | 500;
  /** Undefined: it returned nothing, or the body alone. With status 500 the message of the error. */
  readonly json: string | undefined;
  /** Undefined: the JSON is all of it. Otherwise the member `body`, or the whole of what was returned. */
  readonly content: {readonly isText: boolean; readonly body: Buffer; readonly isPart?: true} | undefined;
  /** The content comes piece by piece: `body` is only what of it is here by now. */
  readonly stream?: StreamedBody;
}

/**
The right to make one call. It ends by itself when the sub-runtime is done with the call. That may be later than the reply: a
call that has passed its deadline was answered, but still runs.
*/
export interface Lease {
  /** @throws NotSent when not one byte left; Fault UPSTREAM_* when the function may have run */
  send(call: RuntimeCall): Promise<RuntimeReply>;
  /** True for a call that waited for the sub-runtime to start. */
  readonly cold: boolean;
  /** The start that it waited for. Only the first call that waited gets it, and has it in its trace. */
  readonly start: StartRecord | undefined;
  readonly waitedMs: number;
  /** How many were waiting when it came, itself included; 0 when it did not wait. */
  readonly depth: number;
  readonly address: {readonly host: string; readonly port: number};
  /** The process that has the place. */
  readonly pid?: number | undefined;
}

/** One start of a sub-runtime, from fork until it was ready or lost. Wall times in milliseconds since 1970. */
export interface StartRecord {
  readonly executable: string;
  readonly pid: number | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly exitCode?: number | null;
  /** Why it did not become ready; absent when it did. */
  readonly error?: string;
  /** The reason in one of a few words: how the process ended, or that the handler could not be loaded. */
  readonly failure?: ExitReason | 'not-loaded';
  /** What runs the handler, as our bridges report it: `Node.js 26.1.0`. */
  readonly runtime?: string;
  /** True when it is called on the channel. */
  readonly isOnChannel?: boolean;
}

/** What can call the function; the pool implements it. */
export interface Runtimes {
  /**
  Waits for a free place in a ready sub-runtime, at most until the deadline.

  @param signal gives the wait up
  @throws Fault POOL_BUSY, POOL_NOT_READY, POOL_GAVE_UP, CALLER_LEFT, DRAINING, UPSTREAM_TIMEOUT when the deadline came first
  */
  lease(deadline: Deadline, signal?: CallerSignal): Promise<Lease>;
}

/** The call did not reach the sub-runtime: sending it again cannot run the function twice. */
export class NotSent extends Error {
  static {
    NotSent.prototype.name = 'NotSent';
  }
  /** The host had no descriptor, port or memory left for a connection: that says nothing about the sub-runtime. */
  readonly byHost: boolean;

  constructor(message: string, {byHost = false, ...options}: ErrorOptions & {byHost?: boolean} = {}) {
    super(message, options);
    this.byHost = byHost;
  }
}
