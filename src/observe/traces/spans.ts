import type {Delivery} from '../../delivery.ts';
import type {CallSpan, InvocationSpan} from '../../invocation.ts';
import type {InvocationTrace, StartRecord} from '../../runtime.ts';
import {isSampled, readTrace, traceIdOf} from './trace-context.ts';

/** As much of a delivery as its span needs. */
export type Subject = Pick<Delivery, 'subject' | 'traceCarrier'>;

export interface Spans {
  /** Opens the span of an invocation below the sender's, or linked to it, if the sender's context came and is valid. */
  invocation(id: string, delivery: Subject): InvocationSpan;
  /** Opens the span of one try to post a reply elsewhere, in a trace of its own that links to the sender's. */
  post(post: Post): PostSpan;
  /** Records a start of a sub-runtime that nobody waited for, after the fact and with its own times. */
  spawned(record: StartRecord): void;
}

export interface Post {
  /** Of the invocation whose reply it is. */
  readonly id: string;
  /** Only its host and port are recorded: the rest may hold secrets. */
  readonly url: string;
  /** Which try it is, from 1. */
  readonly number: number;
  /** The trace of the sender. */
  readonly traceparent: string | undefined;
}

/** `trace` is what the receiver is told. */
export interface PostSpan extends CallSpan {
  /** Calls what sends: what it opens below itself is no span of its own. */
  within<T>(send: () => T): T;
}

/** Records nothing: the caller's context is passed on as it came. */
export const passingSpans: Spans = {
  invocation(_id, {traceCarrier}) {
    const trace = traceCarrier && readTrace(traceCarrier);
    return trace ? passing(trace) : untraced;
  },
  post: () => unrecorded,
  spawned() {},
};

const unrecorded: PostSpan = {trace: undefined, within: send => send(), answered() {}, failed() {}};

/** Made once: with tracing off every request that carries a trace is passed on. */
const unsent = {sent() {}, failed() {}};

const untraced = passing(undefined);

function passing(trace: InvocationTrace | undefined): InvocationSpan {
  const call: CallSpan = {trace, answered() {}, failed() {}};
  const traceId = trace && traceIdOf(trace);
  const exemplar = trace && isSampled(trace) ? traceId : undefined;
  return {trace, traceId, exemplar, call: () => call, sends: () => ({trace, ...unsent}), waited() {}, ended() {}};
}
