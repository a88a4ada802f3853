import {type Attributes, propagation, ROOT_CONTEXT, type SpanContext, SpanKind, type TextMapGetter, trace} from '@opentelemetry/api';
import type {Clock} from '../../clock.ts';
import type {Delivery, Fields, InvocationResult, SpanSubject} from '../../delivery.ts';
import type {CallSpan, InvocationSpan} from '../../invocation.ts';
import type {InvocationTrace, Lease, StartRecord} from '../../runtime.ts';
import type {RecordedSpan, Recorder} from './recorder.ts';
import {isSampled, PassedState, readTrace, traceIdOf} from './trace-context.ts';

/*
Every span and attribute name of the project is spelled here. Spans get their parent as an argument: the hot path
needs no AsyncLocalStorage.
*/

/** As much of a delivery as its span needs. */
export type Subject = Pick<Delivery, 'subject' | 'traceCarrier'>;

export interface Spans {
  /** Opens the span of an invocation below the sender's, or linked to it, if the sender's context came and is valid. */
  invocation(id: string, delivery: Subject): InvocationSpan;
  /** Records a start of a sub-runtime that nobody waited for, after the fact and with its own times. */
  spawned(record: StartRecord): void;
}

export interface SpansHouse {
  readonly recorder: Recorder;
  /** Stands in span names. */
  readonly functionName: string;
  readonly clock: Clock;
}

/** Records. The caller's context is read the way OTEL_PROPAGATORS says: the SDK is to be started before. */
export function recordedSpans({recorder, functionName, clock}: SpansHouse): Spans {
  const inner: InnerHouse = {recorder, functionName, clock, extract: extractor()};
  return {
    invocation: (id, delivery) => new RecordedInvocation(inner, id, delivery),
    spawned: record => recordSpawn(recorder, record, undefined),
  };
}

interface InnerHouse extends SpansHouse {
  readonly extract: Extract;
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

type Extract = (fields: Fields) => SpanContext | undefined;

function extractor(): Extract {
  // Most callers send no context: where only the W3C's is read, one look tells.
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

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

class RecordedInvocation implements InvocationSpan {
  readonly trace: InvocationTrace;
  readonly traceId: string;
  readonly exemplar: string | undefined;
  readonly #house: InnerHouse;
  readonly #span: RecordedSpan;
  readonly #isHttp: boolean;
  /** Wall time less monotonic time when it began: within an invocation times do not step. */
  readonly #offsetMs: number;

  constructor(house: InnerHouse, id: string, delivery: Subject) {
    const subject = delivery.subject();
    const {recorder, clock} = house;
    this.#house = house;
    this.#isHttp = subject.trigger === 'http';
    const startMs = clock.now();
    this.#offsetMs = startMs - clock.monotonic();
    const sender = delivery.traceCarrier && house.extract(delivery.traceCarrier);
    const {name, attributes} = describe(subject, house.functionName);
    attributes['faas.trigger'] = subject.trigger;
    attributes['faas.invocation_id'] = id;
    attributes['faas.coldstart'] = false;
    // Many messages may be handled at a time, and late: the trace of a sender would never be over.
    const isMessage = subject.trigger === 'pubsub';
    const kind = isMessage ? SpanKind.CONSUMER : SpanKind.SERVER;
    const links = isMessage && sender ? [{context: sender}] : undefined;
    this.#span = recorder.start({name, kind, attributes, parent: isMessage ? undefined : sender, links, startMs});
    const own = this.#span.spanContext();
    this.traceId = own.traceId;
    this.trace = written(own);
    this.exemplar = this.#span.isSampled ? own.traceId : undefined;
  }

  call(attempt: number, address: {host: string; port: number}): CallSpan {
    const attributes: Attributes = {
      'server.address': address.host,
      'server.port': address.port,
      'http.request.method': 'POST',
    };
    if (attempt > 0) attributes['http.request.resend_count'] = attempt;
    const parent = this.#span.spanContext();
    const span = this.#house.recorder.start({
      name: 'POST',
      kind: SpanKind.CLIENT,
      attributes,
      parent,
      links: undefined,
      startMs: this.#nowMs(),
    });
    return {
      trace: written(span.spanContext()),
      answered: status => {
        attributes['http.response.status_code'] = status;
        if (status >= 400) span.fail(String(status));
        span.end(this.#nowMs());
      },
      failed: error => {
        span.fail('code' in error ? String(error.code) : error.name, error.message);
        span.end(this.#nowMs());
      },
    };
  }

  waited({waitedMs, depth, cold, start}: Pick<Lease, 'waitedMs' | 'depth' | 'cold' | 'start'>): void {
    this.#span.addEvent('queue.wait', this.#nowMs(), {'queue.wait_ms': waitedMs, 'queue.depth': depth});
    if (cold) this.#span.attributes['faas.coldstart'] = true;
    if (start) recordSpawn(this.#house.recorder, start, this.#span.spanContext());
  }

  ended({status, fault}: InvocationResult): void {
    if (this.#isHttp) this.#span.attributes['http.response.status_code'] = status;
    if (status >= 500) this.#span.fail(fault?.code ?? String(status), fault?.message);
    else if (fault) this.#span.attributes['error.type'] = fault.code;
    this.#span.end(this.#nowMs());
  }

  #nowMs(): number {
    return this.#offsetMs + this.#house.clock.monotonic();
  }
}

function describe(subject: SpanSubject, functionName: string): {name: string; attributes: Attributes} {
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
      const {system, destination} = subject;
      const attributes = {
        'messaging.system': system,
        'messaging.destination.name': destination,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
      };
      return {name: `process ${destination}`, attributes};
    }
    case 'other':
      return {name: subject.name, attributes: {}};
  }
}

function recordSpawn(recorder: Recorder, record: StartRecord, parent: SpanContext | undefined): void {
  const {executable, pid, startedAt: startMs, endedAt, exitCode, error, failure} = record;
  const attributes: Attributes = {'process.executable.name': executable};
  if (pid !== undefined) attributes['process.pid'] = pid;
  if (typeof exitCode === 'number') attributes['process.exit.code'] = exitCode;
  const span = recorder.start({name: `spawn ${executable}`, kind: SpanKind.INTERNAL, attributes, parent, links: undefined, startMs});
  if (error !== undefined) span.fail(failure ?? 'spawn', error);
  span.end(endedAt);
}

/** W3C Trace Context level 2, §3.2 and §3.3: of the flags the two that are defined, sampled and random. */
function written({traceId, spanId, traceFlags, traceState}: SpanContext): InvocationTrace {
  const traceparent = `00-${traceId}-${spanId}-0${traceFlags & 3}`;
  const tracestate = traceState?.serialize();
  return tracestate ? {traceparent, tracestate} : {traceparent};
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
