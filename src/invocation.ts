import type {Delivery, Input, InvocationResult, Principal} from './delivery.ts';
import type {InvocationTrace, Lease, RuntimeReply, WrittenEvent} from './runtime.ts';

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
  /** trigger */
  input?: Input;
  /** event */
  event?: WrittenEvent;
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
  ended(result: InvocationResult): void;
}

export interface CallSpan {
  readonly trace: InvocationTrace | undefined;
  answered(status: number): void;
  failed(error: Error): void;
}
