import {type Attributes, type SpanContext, SpanKind} from '@opentelemetry/api';
import type {Clock} from '../../clock.ts';
import type {InvocationResult} from '../../delivery.ts';
import type {CallSpan, InvocationSpan, SendSpan} from '../../invocation.ts';
import type {InvocationTrace, Lease, StartRecord} from '../../runtime.ts';
import {describe} from './describe.ts';
import {type Extract, extractor} from './extract.ts';
import {withoutSpans} from './queue.ts';
import type {RecordedSpan, Recorder} from './recorder.ts';
import type {Post, PostSpan, Spans, Subject} from './spans.ts';

/*
Spans get their parent as an argument, so that the hot path needs no AsyncLocalStorage. The names of spans and attributes are spelled
here and in describe.ts, and nowhere else.
*/

export interface SpansHouse {
  readonly recorder: Recorder;
  /** Stands in span names. */
  readonly functionName: string;
  readonly clock: Clock;
}

/** Spans that are recorded. The caller's context is read as OTEL_PROPAGATORS says, so start the SDK first. */
export function recordedSpans({recorder, functionName, clock}: SpansHouse): Spans {
  const inner: InnerHouse = {recorder, functionName, clock, extract: extractor()};
  return {
    invocation: (id, delivery) => new RecordedInvocation(inner, id, delivery),
    post: post => recordPost(inner, post),
    spawned: record => recordSpawn(recorder, record, undefined),
  };
}

interface InnerHouse extends SpansHouse {
  readonly extract: Extract;
}

class RecordedInvocation implements InvocationSpan {
  readonly trace: InvocationTrace;
  readonly traceId: string;
  readonly exemplar: string | undefined;
  readonly #house: InnerHouse;
  readonly #span: RecordedSpan;
  readonly #isHttp: boolean;
  /** Wall time minus monotonic time at its start. With it the times within an invocation do not jump. */
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
    // A sender's messages may be handled together, and late, so its trace is linked: as a parent it would never be over.
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
    return callSpan(this.#begin('POST', SpanKind.CLIENT, attributes), this.#house.clock, this.#offsetMs);
  }

  sends(destination: string, bytes: number): SendSpan {
    const span = this.#begin(`send ${destination}`, SpanKind.PRODUCER, {
      'messaging.system': 'core-runtime',
      'messaging.destination.name': destination,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.message.id': this.#span.attributes['faas.invocation_id'],
      'messaging.message.body.size': bytes,
    });
    return {
      trace: written(span.spanContext()),
      sent: () => span.end(this.#nowMs()),
      failed: error => {
        failSpan(span, error);
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

  #begin(name: string, kind: SpanKind, attributes: Attributes): RecordedSpan {
    const parent = this.#span.spanContext();
    return this.#house.recorder.start({name, kind, attributes, parent, links: undefined, startMs: this.#nowMs()});
  }

  #nowMs(): number {
    return this.#offsetMs + this.#house.clock.monotonic();
  }
}

/** @param offsetMs wall time minus monotonic time */
function callSpan(span: RecordedSpan, clock: Clock, offsetMs: number): CallSpan {
  return {
    trace: written(span.spanContext()),
    answered(status) {
      span.attributes['http.response.status_code'] = status;
      if (status >= 400) span.fail(String(status));
      span.end(offsetMs + clock.monotonic());
    },
    failed(error) {
      failSpan(span, error);
      span.end(offsetMs + clock.monotonic());
    },
  };
}

const failSpan = (span: RecordedSpan, error: Error) => span.fail('code' in error ? String(error.code) : error.name, error.message);

/** The reply may be hours younger than the request, so its span is no child of the sender's. */
function recordPost({recorder, clock, extract}: InnerHouse, {id, url, number, traceparent = ''}: Post): PostSpan {
  const {hostname, port, protocol} = new URL(url);
  const attributes: Attributes = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'http:' ? 80 : 443),
    'faas.invocation_id': id,
  };
  if (number > 1) attributes['http.request.resend_count'] = number - 1;
  const sender = extract({get: field => (field === 'traceparent' ? traceparent : '')});
  const links = sender && [{context: sender}];
  const startMs = clock.now();
  const offsetMs = startMs - clock.monotonic();
  const span = recorder.start({name: 'POST', kind: SpanKind.CLIENT, attributes, parent: undefined, links, startMs});
  return {
    ...callSpan(span, clock, offsetMs),
    within: withoutSpans,
  };
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
