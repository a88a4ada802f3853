import {randomFillSync} from 'node:crypto';
import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import type {ReadableSpan, SpanProcessor, TimedEvent} from '@opentelemetry/sdk-trace';
import type {Sampler} from './sampler.ts';

/*
Our spans, made by hand. The SDK's spans cost a third of the throughput: each looks at every attribute twice, keeps its times
as pairs, walks its contexts and counts itself. Ours hold their values and nothing else. Once they have ended, they can be
read as spans of the SDK, so that its processors and exporters take them.
*/

export interface RecorderOptions {
  /** Each gets every sampled span when it has ended. */
  readonly processors: readonly SpanProcessor[];
  readonly resource: ReadableSpan['resource'];
  readonly sampler: Sampler;
  /** Characters of a text attribute that are kept. */
  readonly mostCharacters: number;
}

export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  /** The span keeps this object: it must not be changed any more. */
  readonly attributes: Attributes;
  readonly parent: SpanContext | undefined;
  readonly links: Link[] | undefined;
  /** Wall time, milliseconds; with their fractions. */
  readonly startMs: number;
}

export class Recorder {
  readonly resource: ReadableSpan['resource'];
  readonly #options: RecorderOptions;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.resource = options.resource;
  }

  /** Starts a span. With a parent in this process, the parent decides whether it is sampled. */
  start(start: SpanStart): RecordedSpan {
    const {parent} = start;
    const traceId = parent?.traceId ?? newId(16);
    const isSampled = parent && !parent.isRemote ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0 : this.#options.sampler(traceId, parent);
    const random = parent ? parent.traceFlags & randomFlag : randomFlag;
    const context: SpanContext = {traceId, spanId: newId(8), traceFlags: (isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE) | random};
    if (parent?.traceState) context.traceState = parent.traceState;
    return new RecordedSpan(this, context, start);
  }

  ended(span: RecordedSpan): void {
    if (!span.isSampled) return;
    const {processors, mostCharacters} = this.#options;
    if (mostCharacters < Number.POSITIVE_INFINITY) shorten(span.attributes, mostCharacters);
    for (const processor of processors) processor.onEnd(span);
  }
}

/** Says that the trace's id was chosen at random. W3C Trace Context level 2, §3.2.2.5. */
const randomFlag = 2;
const scope = {name: 'core-runtime'};
const unset: SpanStatus = {code: SpanStatusCode.UNSET};
const nothing: never[] = [];

export class RecordedSpan implements ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly parentSpanContext?: SpanContext;
  readonly startMs: number;
  endMs = 0;
  events: TimedEvent[] = nothing;
  status: SpanStatus = unset;
  readonly #recorder: Recorder;
  readonly #context: SpanContext;

  constructor(recorder: Recorder, context: SpanContext, {name, kind, attributes, parent, links, startMs}: SpanStart) {
    this.#recorder = recorder;
    this.#context = context;
    this.name = name;
    this.kind = kind;
    this.attributes = attributes;
    this.links = links ?? nothing;
    if (parent) this.parentSpanContext = parent;
    this.startMs = startMs;
  }

  get isSampled(): boolean {
    return (this.#context.traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  /** @param type one word, by which errors are counted */
  fail(type: string, message?: string): void {
    this.attributes['error.type'] = type;
    this.status = message === undefined ? {code: SpanStatusCode.ERROR} : {code: SpanStatusCode.ERROR, message};
  }

  addEvent(name: string, atMs: number, attributes: Attributes): void {
    this.events = [...this.events, {name, attributes, time: hrTimeOf(atMs)}];
  }

  /** Called once, last. The end is not before the start, also if the wall clock was set back meanwhile. */
  end(atMs: number): void {
    this.endMs = Math.max(atMs, this.startMs);
    this.#recorder.ended(this);
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  get resource(): ReadableSpan['resource'] {
    return this.#recorder.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return scope;
  }

  get startTime(): HrTime {
    return hrTimeOf(this.startMs);
  }

  get endTime(): HrTime {
    return hrTimeOf(this.endMs);
  }

  get duration(): HrTime {
    return hrTimeOf(this.endMs - this.startMs);
  }

  get ended(): boolean {
    return this.endMs > 0;
  }

  get droppedAttributesCount(): number {
    return 0;
  }

  get droppedEventsCount(): number {
    return 0;
  }

  get droppedLinksCount(): number {
    return 0;
  }
}

/** Seconds and nanoseconds. */
export function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function shorten(attributes: Attributes, most: number): void {
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (typeof value === 'string' && value.length > most) attributes[name] = value.slice(0, most);
  }
}

/** Random bytes are fetched for many ids at once. */
const pool = Buffer.alloc(4096);
let taken = pool.length;

function newId(bytes: 8 | 16): string {
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  taken += bytes;
  return pool.toString('hex', taken - bytes, taken);
}
