import {type Attributes, createTraceState, type SpanContext, SpanKind, TraceFlags} from '@opentelemetry/api';
import {ProtobufTraceSerializer} from '@opentelemetry/otlp-transformer';
import {resourceFromAttributes} from '@opentelemetry/resources';
import {InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor} from '@opentelemetry/sdk-trace';
import test from 'ava';
import fc from 'fast-check';
import {spanSerializer} from '../../src/observe/traces/otlp.ts';
import {ProtobufWriter} from '../../src/observe/traces/protobuf.ts';
import type {SpanStart} from '../../src/observe/traces/recorder.ts';
import {openRecorder} from '../helpers/recorder.ts';

// What the SDK's serializer writes is the truth: its own tests hold it against the protocol's definitions.

interface Given {
  readonly start: SpanStart;
  readonly failure: string | undefined;
  readonly events: readonly string[];
  readonly endMs: number;
}

function record(given: readonly Given[], attributes: Attributes = {}): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const recorder = openRecorder(new SimpleSpanProcessor({exporter}), {resource: resourceFromAttributes(attributes)});
  for (const {start, failure, events, endMs} of given) {
    const span = recorder.start(start);
    for (const event of events) span.addEvent(event, start.startMs + 0.5, {'queue.depth': event.length});
    if (failure !== undefined) span.fail('type', failure);
    span.end(endMs);
  }
  return exporter.getFinishedSpans();
}

// The propagators of B3 take ids in capitals as well.
const hex = (length: number) => fc.stringMatching(new RegExp(`^(?:[0-9a-f]{${length}}|[0-9A-F]{${length}})$`));
const context: fc.Arbitrary<SpanContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.constantFrom(TraceFlags.SAMPLED, 3),
  isRemote: fc.boolean(),
  traceState: fc.constantFrom(createTraceState('a=1,b=2'), createTraceState('')),
});
/** Any units of UTF-16, halves of surrogate pairs too: a text that was cut may end with one. */
const units = fc
  .array(fc.oneof(fc.integer({min: 0, max: 0xffff}), fc.integer({min: 0xd800, max: 0xdfff})), {maxLength: 200})
  .map(codes => String.fromCharCode(...codes));
const text = fc.oneof(fc.string({maxLength: 200}), fc.string({unit: 'grapheme', maxLength: 200}), units);
/** Keys that an object of JavaScript has of its own accord, beside any text. */
const key = fc.oneof(
  {weight: 5, arbitrary: text},
  fc.constantFrom('', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0', 'error.type'),
);
const value = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(-0, 2 ** 53, 2 ** 63, -(2 ** 63), 1e300),
);
const list = fc.oneof(fc.array(text, {maxLength: 3}), fc.array(fc.double(), {maxLength: 3}), fc.array(fc.boolean(), {maxLength: 3}));
const attributes = fc.dictionary(key, fc.oneof(value, list), {maxKeys: 12, noNullPrototype: true});
const wallMs = fc.double({min: 0, max: 4e12, noNaN: true});
const given: fc.Arbitrary<Given> = fc.record({
  start: fc.record({
    name: text,
    kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.CONSUMER),
    attributes,
    parent: fc.option(context, {nil: undefined}),
    links: fc.option(
      fc.array(
        context.map(linked => ({context: linked})),
        {maxLength: 3},
      ),
      {nil: undefined},
    ),
    startMs: wallMs,
  }),
  failure: fc.option(text, {nil: undefined}),
  events: fc.array(text, {maxLength: 3}),
  endMs: wallMs,
});

const bytesOf = (serialize: (spans: ReadableSpan[]) => Uint8Array | undefined, spans: ReadableSpan[]) =>
  Buffer.from(serialize(spans) ?? []).toString('hex');
const resource: fc.Arbitrary<Attributes> = fc.dictionary(key, fc.oneof(value, list), {maxKeys: 5});

/** Found by this property: a list under `__proto__` becomes the prototype of the SDK's resource. */
const ownKeys = ['__proto__', 'constructor', 'toString', '', '\ud800'];
const plain: Given = {
  start: {name: '', kind: SpanKind.INTERNAL, attributes: {}, parent: undefined, links: undefined, startMs: 0},
  failure: undefined,
  events: [],
  endMs: 0,
};

test('spans are written byte for byte as the SDK writes them', t => {
  fc.assert(
    fc.property(fc.array(given, {minLength: 1, maxLength: 5}), resource, (all, of) => {
      const spans = record(all, {...of});
      return bytesOf(spanSerializer.serializeRequest, spans) === bytesOf(ProtobufTraceSerializer.serializeRequest, spans);
    }),
    {numRuns: 300, examples: ownKeys.map((name): [Given[], Attributes] => [[plain], {[name]: ['']}])},
  );
  t.pass();
});

test('spans of others among ours are written as well', t => {
  const start: SpanStart = {name: 'a', kind: SpanKind.SERVER, attributes: {}, parent: undefined, links: undefined, startMs: 1};
  const [ours] = record([{start, failure: undefined, events: [], endMs: 2}]);
  const theirs = {...ours, spanContext: () => ours?.spanContext()} as ReadableSpan; // no instance of our class
  if (!ours) throw new TypeError('Expected a span');
  for (const named of ['resource', 'instrumentationScope', 'startTime', 'endTime'] as const) Object.assign(theirs, {[named]: ours[named]});
  const parts = [[ours], [theirs]].map(spans => bytesOf(ProtobufTraceSerializer.serializeRequest, spans));
  t.is(bytesOf(spanSerializer.serializeRequest, [theirs, ours]), parts.join(''));
  t.deepEqual([bytesOf(spanSerializer.serializeRequest, [theirs])], parts.slice(1));
});

test('what a large batch took is given back', t => {
  const writer = new ProtobufWriter();
  writer.text(10, 'a'.repeat(2 ** 22));
  t.true(writer.keptBytes >= 2 ** 22);
  t.true(writer.bytes().length > 2 ** 22);
  t.true(writer.keptBytes < 2 ** 20);
});
