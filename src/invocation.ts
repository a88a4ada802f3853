import type {Delivery, Fields, Input, InvocationResult, Principal} from './delivery.ts';
import type {InvocationTrace, Lease, RuntimeReply, Written} from './runtime.ts';

/** The state of one invocation: one field per stage, in stage order, each set once. */
export interface Invocation {
  readonly id: string;
  readonly delivery: Delivery;
  /** When it arrived, on the monotonic clock. */
  readonly arrived: number;
  /** trace */
  span?: InvocationSpan;
  /** auth */
  principal?: Principal;
  /** cloudEvents; what the sender asks for, where that is more than the fields of the request say */
  wishes?: Fields;
  /** trigger */
  input?: Input;
  /** event */
  event?: Written;
  deadline?: {readonly wallMs: number; readonly monotonicMs: number; readonly timeoutMs: number};
  /** invoke; the process that the call went to */
  pid?: number;
  /** invoke; how long the call waited for a place, and whether for a sub-runtime that was starting */
  waitedMs?: number;
  cold?: boolean;
  /** invoke; when the call went out and when it was over, on the monotonic clock */
  calledAt?: number;
  answeredAt?: number;
  reply?: RuntimeReply;
  /** respond; set when the delivery has got it */
  result?: InvocationResult;
  /** respond; how many bytes of a streamed body were passed on, once it has ended */
  streamedBytes?: number;
}

/** The span around an invocation; without tracing it only passes the caller's context on. */
export interface InvocationSpan {
  readonly trace: InvocationTrace | undefined;
  readonly traceId: string | undefined;
  /** The id of the trace when it is sampled, so that metrics may point to it. */
  readonly exemplar: string | undefined;
  /** A span for one attempt of the call to the sub-runtime. */
  call(attempt: number, address: {readonly host: string; readonly port: number}): CallSpan;
  /** The event waited for its sub-runtime. */
  waited(lease: Pick<Lease, 'waitedMs' | 'depth' | 'cold' | 'start'>): void;
  /** A span for handing it on as a message of so many bytes. What handles the message links to it. */
  sends(destination: string, bytes: number): SendSpan;
  ended(result: InvocationResult): void;
}

/** One that is told of neither is not recorded: nothing was sent, as it had been sent before. */
export interface SendSpan {
  readonly trace: InvocationTrace | undefined;
  sent(): void;
  failed(error: Error): void;
}

export interface CallSpan {
  readonly trace: InvocationTrace | undefined;
  answered(status: number): void;
  failed(error: Error): void;
}
