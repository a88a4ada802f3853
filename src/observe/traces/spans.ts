import type {Delivery} from '../../delivery.ts';
import type {CallSpan, InvocationSpan} from '../../invocation.ts';
import type {InvocationTrace, StartRecord} from '../../runtime.ts';
import {isSampled, readTrace, traceIdOf} from './trace-context.ts';

/** As much of a delivery as its span needs. */
export type Subject = Pick<Delivery, 'subject' | 'traceCarrier'>;

export interface Spans {
  /** Opens the span of an invocation below the sender's, or linked to it, if the sender's context came and is valid. */
  invocation(id: string, delivery: Subject): InvocationSpan;
  /** Records a start of a sub-runtime that nobody waited for, after the fact and with its own times. */
  spawned(record: StartRecord): void;
}

/** Records nothing: the caller's context is passed on as it came. */
export const passingSpans: Spans = {
  invocation(_id, {traceCarrier}) {
    const trace = traceCarrier && readTrace(traceCarrier);
    return trace ? passing(trace) : untraced;
  },
  spawned() {},
};

const untraced = passing(undefined);

function passing(trace: InvocationTrace | undefined): InvocationSpan {
  const call: CallSpan = {trace, answered() {}, failed() {}};
  const traceId = trace && traceIdOf(trace);
  const exemplar = trace && isSampled(trace) ? traceId : undefined;
  return {trace, traceId, exemplar, call: () => call, waited() {}, ended() {}};
}
