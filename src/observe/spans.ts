import {
  type Attributes,
  type Context,
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

/** What a caller's trace context is read from. */
export interface Fields {
  get(field: string): string;
}

/** @param functionName stands in span names and `faas.name` */
export function openSpans({recording, functionName}: {recording: boolean; functionName: string}): Spans {
  if (!recording) return {invocation: (_id, carrier) => passedOn(carrier), spawned: () => {}};
  const tracer = trace.getTracer('core-runtime');
  return {
    invocation: (id, carrier, delivery) => new RecordedInvocation(tracer, id, carrier, delivery.subject(), functionName),
    spawned: record => recordSpawn(tracer, record, ROOT_CONTEXT),
  };
}

const fields: TextMapGetter<Fields> = {
  get: (carrier, field) => carrier.get(field) || undefined,
  keys: () => [],
};

class RecordedInvocation implements InvocationSpan {
  readonly trace: InvocationTrace;
  readonly traceId: string;
  readonly #tracer: Tracer;
  readonly #span: Span;

  constructor(tracer: Tracer, id: string, carrier: Fields, subject: SpanSubject, functionName: string) {
    this.#tracer = tracer;
    const isHttp = subject.trigger === 'http';
    const attributes: Attributes = {'faas.trigger': subject.trigger, 'faas.invocation_id': id, 'faas.coldstart': false};
    if (isHttp) {
      attributes['http.request.method'] = subject.method;
      attributes['url.path'] = subject.path;
      attributes['url.scheme'] = 'http';
      attributes['server.address'] = subject.address;
    }
    if (subject.trigger === 'timer') {
      attributes['faas.cron'] = subject.cron;
      attributes['faas.time'] = subject.time;
    }
    const name = isHttp ? `${subject.method} ${functionName}` : subject.name;
    this.#span = tracer.startSpan(
      name,
      {kind: subject.trigger === 'pubsub' ? SpanKind.CONSUMER : SpanKind.SERVER, attributes},
      propagation.extract(ROOT_CONTEXT, carrier, fields),
    );
    const own = this.#span.spanContext();
    this.traceId = own.traceId;
    this.trace = written(own);
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

  waited({waitedMs, cold, start}: Pick<Lease, 'waitedMs' | 'cold' | 'start'>): void {
    this.#span.addEvent('queue.wait', {'queue.wait_ms': waitedMs});
    if (cold) this.#span.setAttribute('faas.coldstart', true);
    if (start) recordSpawn(this.#tracer, start, trace.setSpan(ROOT_CONTEXT, this.#span));
  }

  ended({status, fault}: InvocationResult): void {
    this.#span.setAttribute('http.response.status_code', status);
    if (status >= 500) fail(this.#span, fault?.code ?? String(status), fault?.message);
    else if (fault) this.#span.setAttribute('error.type', fault.code);
    this.#span.end();
  }
}

function recordSpawn(tracer: Tracer, {executable, pid, startedAt, endedAt, exitCode, error}: StartRecord, parent: Context): void {
  const attributes: Attributes = {'process.executable.name': executable};
  if (pid !== undefined) attributes['process.pid'] = pid;
  if (typeof exitCode === 'number') attributes['process.exit.code'] = exitCode;
  const span = tracer.startSpan(`spawn ${executable}`, {kind: SpanKind.INTERNAL, startTime: startedAt, attributes}, parent);
  if (error !== undefined) fail(span, 'spawn', error);
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

const validTraceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;
const untraced: InvocationSpan = passing(undefined);

function passedOn(carrier: Fields): InvocationSpan {
  const traceparent = carrier.get('traceparent');
  if (traceparent === '' || !validTraceparent.test(traceparent)) return untraced;
  if (traceparent.startsWith('00') && traceparent.length !== 55) return untraced;
  const tracestate = carrier.get('tracestate');
  return passing(tracestate ? {traceparent, tracestate} : {traceparent});
}

function passing(trace: InvocationTrace | undefined): InvocationSpan {
  const call: CallSpan = {trace, answered() {}, failed() {}};
  return {trace, traceId: trace?.traceparent.slice(3, 35), call: () => call, waited() {}, ended() {}};
}
