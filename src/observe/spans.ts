import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type {CallSpan, InvocationSpan, InvocationTrace} from '../invocation.ts';
import type {Lease, StartRecord} from '../runtime.ts';
import type {InvocationResult, SpanSubject} from '../trigger.ts';
import {type Fields, isSampled, readTrace, traceIdOf} from './trace-context.ts';

/*
Every span and attribute name of the project is spelled here. Spans get their parent as an argument: the hot path
needs no AsyncLocalStorage. Without the SDK nothing is recorded, and the caller's context is passed on as it came.
*/

export interface Spans {
  /** Opens the span of an invocation below the caller's, if the caller sent a valid context. */
  invocation(id: string, carrier: Fields, delivery: {subject(): SpanSubject}): InvocationSpan;
  /** Records a start of a sub-runtime that nobody waited for, after the fact and with its own times. */
  spawned(record: StartRecord): void;
}

/** @param functionName stands in span names and `faas.name` */
export function openSpans({recording, functionName}: {recording: boolean; functionName: string}): Spans {
  if (!recording) return {invocation: (_id, carrier) => passedOn(carrier), spawned: () => {}};
  const tracer = trace.getTracer('core-runtime');
  // An SDK that knows no such exporter records nothing, under ids of zeros that must not travel on.
  if (!isSpanContextValid(tracer.startSpan('').spanContext())) return openSpans({recording: false, functionName});
  return {
    invocation: (id, carrier, delivery) => new RecordedInvocation(tracer, id, carrier, delivery.subject(), functionName),
    spawned: record => recordSpawn(tracer, record, ROOT_CONTEXT),
  };
}

/** What the propagators read: the W3C context as we understood it, any other field as it came. */
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

const extract = (fields: Fields) => propagation.extract(ROOT_CONTEXT, {fields, trace: readTrace(fields)}, carried);

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

class RecordedInvocation implements InvocationSpan {
  readonly trace: InvocationTrace;
  readonly traceId: string;
  readonly exemplar: string | undefined;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #isHttp: boolean;

  constructor(tracer: Tracer, id: string, carrier: Fields, subject: SpanSubject, functionName: string) {
    this.#tracer = tracer;
    this.#isHttp = subject.trigger === 'http';
    const {name, attributes, links = []} = describe(subject, functionName);
    attributes['faas.trigger'] = subject.trigger;
    attributes['faas.invocation_id'] = id;
    attributes['faas.coldstart'] = false;
    const kind = subject.trigger === 'pubsub' ? SpanKind.CONSUMER : SpanKind.SERVER;
    this.#span = tracer.startSpan(name, {kind, attributes, links}, extract(carrier));
    const own = this.#span.spanContext();
    this.traceId = own.traceId;
    this.trace = written(own);
    this.exemplar = isSampled(this.trace) ? own.traceId : undefined;
  }

  call(attempt: number, address: {host: string; port: number}): CallSpan {
    const attributes: Attributes = {
      'server.address': address.host,
      'server.port': address.port,
      'http.request.method': 'POST',
    };
    if (attempt > 0) attributes['http.request.resend_count'] = attempt;
    const span = this.#tracer.startSpan('POST', {kind: SpanKind.CLIENT, attributes}, trace.setSpan(ROOT_CONTEXT, this.#span));
    return {
      trace: written(span.spanContext()),
      answered(status) {
        span.setAttribute('http.response.status_code', status);
        if (status >= 400) fail(span, String(status));
        span.end();
      },
      failed(error) {
        fail(span, 'code' in error ? String(error.code) : error.name, error.message);
        span.end();
      },
    };
  }

  waited({waitedMs, depth, cold, start}: Pick<Lease, 'waitedMs' | 'depth' | 'cold' | 'start'>): void {
    this.#span.addEvent('queue.wait', {'queue.wait_ms': waitedMs, 'queue.depth': depth});
    if (cold) this.#span.setAttribute('faas.coldstart', true);
    if (start) recordSpawn(this.#tracer, start, trace.setSpan(ROOT_CONTEXT, this.#span));
  }

  ended({status, fault}: InvocationResult): void {
    if (this.#isHttp) this.#span.setAttribute('http.response.status_code', status);
    if (status >= 500) fail(this.#span, fault?.code ?? String(status), fault?.message);
    else if (fault) this.#span.setAttribute('error.type', fault.code);
    this.#span.end();
  }
}

function describe(subject: SpanSubject, functionName: string): {name: string; attributes: Attributes; links?: Link[]} {
  switch (subject.trigger) {
    case 'http': {
      const {method, path, address} = subject;
      const attributes: Attributes = {'url.path': path, 'url.scheme': 'http', 'server.address': address};
      // Callers may invent methods; whoever counts spans by name must not suffer from it.
      const isKnown = knownMethods.has(method);
      attributes['http.request.method'] = isKnown ? method : '_OTHER';
      if (!isKnown) attributes['http.request.method_original'] = method;
      return {name: `${isKnown ? method : 'HTTP'} ${functionName}`, attributes};
    }
    case 'timer': {
      const {name, cron, time} = subject;
      return {name, attributes: {...(cron !== undefined && {'faas.cron': cron}), ...(time !== undefined && {'faas.time': time})}};
    }
    case 'pubsub': {
      const {system, destination, producer} = subject;
      const attributes = {
        'messaging.system': system,
        'messaging.destination.name': destination,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
      };
      const sender = producer && trace.getSpanContext(extract(producer));
      return {name: `process ${destination}`, attributes, links: sender ? [{context: sender}] : []};
    }
    case 'other':
      return {name: subject.name, attributes: {}};
  }
}

function recordSpawn(tracer: Tracer, record: StartRecord, parent: Context): void {
  const {executable, pid, startedAt, endedAt, exitCode, error, failure} = record;
  const attributes: Attributes = {'process.executable.name': executable};
  if (pid !== undefined) attributes['process.pid'] = pid;
  if (typeof exitCode === 'number') attributes['process.exit.code'] = exitCode;
  const span = tracer.startSpan(`spawn ${executable}`, {kind: SpanKind.INTERNAL, startTime: startedAt, attributes}, parent);
  if (error !== undefined) fail(span, failure ?? 'spawn', error);
  span.end(endedAt);
}

function fail(span: Span, type: string, message?: string): void {
  span.setAttribute('error.type', type);
  span.setStatus(message === undefined ? {code: SpanStatusCode.ERROR} : {code: SpanStatusCode.ERROR, message});
}

/** W3C Trace Context level 1, §3.2 and §3.3. */
function written({traceId, spanId, traceFlags, traceState}: SpanContext): InvocationTrace {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? {traceparent, tracestate} : {traceparent};
}

const untraced: InvocationSpan = passing(undefined);

function passedOn(carrier: Fields): InvocationSpan {
  const trace = readTrace(carrier);
  return trace ? passing(trace) : untraced;
}

function passing(trace: InvocationTrace | undefined): InvocationSpan {
  const call: CallSpan = {trace, answered() {}, failed() {}};
  const traceId = trace && traceIdOf(trace);
  const exemplar = trace && isSampled(trace) ? traceId : undefined;
  return {trace, traceId, exemplar, call: () => call, waited() {}, ended() {}};
}
