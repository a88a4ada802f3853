import {propagation, ROOT_CONTEXT, type SpanContext, type TextMapGetter, trace} from '@opentelemetry/api';
import type {Fields} from '../../delivery.ts';
import type {InvocationTrace} from '../../runtime.ts';
import {PassedState, readTrace} from './trace-context.ts';

/** Reads the context of the sender from what it sent; undefined when it sent none. */
export type Extract = (fields: Fields) => SpanContext | undefined;

/** Reads with the propagators of the SDK, which must be started first. */
export function extractor(): Extract {
  // Most callers send no context. Where only the W3C's is read, one field shows that.
  const isOurs = propagation.fields().every(field => w3cFields.has(field));
  return fields => {
    if (isOurs && fields.get('traceparent') === '') return undefined;
    const read = readTrace(fields);
    const context = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, {fields, trace: read}, carried));
    if (!context?.traceState || read?.tracestate === undefined) return context;
    return {...context, traceState: new PassedState(read.tracestate)};
  };
}

const w3cFields = new Set(['traceparent', 'tracestate', 'baggage']);

/** What the propagators read: the W3C context as we understood it, every other field as it came. */
interface Carried {
  readonly fields: Fields;
  readonly trace: InvocationTrace | undefined;
}

const carried: TextMapGetter<Carried> = {
  get({fields, trace}, field) {
    if (field === 'traceparent') return trace?.traceparent;
    if (field === 'tracestate') return trace?.tracestate;
    return fields.get(field) || undefined;
  },
  keys: () => [],
};
