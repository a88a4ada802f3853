import type {Attributes, AttributeValue, HrTime, SpanContext} from '@opentelemetry/api';
import {type ISerializer, ProtobufTraceSerializer} from '@opentelemetry/otlp-transformer';
import type {ReadableSpan} from '@opentelemetry/sdk-trace';
import {ProtobufWriter} from './protobuf.ts';
import {hrTimeOf, RecordedSpan} from './recorder.ts';

/*
Writes our spans as OTLP's protobuf: byte for byte what the SDK's serializer writes, in less than half of the time. The SDK's
goes over every span twice, first for its size, and does not know that our spans share one resource and one scope.

@see opentelemetry-proto 1.x: collector/trace/v1/trace_service.proto, trace/v1/trace.proto, common/v1/common.proto
*/

/** For the SDK's exporters. Its own serializer writes spans that are not ours. */
export const spanSerializer: ISerializer<ReadableSpan[], unknown> = {
  deserializeResponse: ProtobufTraceSerializer.deserializeResponse,
  serializeRequest(spans) {
    const ours = spans.filter(span => span instanceof RecordedSpan);
    if (ours.length === spans.length) return writeSpans(ours);
    const theirs = ProtobufTraceSerializer.serializeRequest(spans.filter(span => !(span instanceof RecordedSpan)));
    return theirs ? Buffer.concat([writeSpans(ours), theirs]) : undefined; // two messages in a row are read as one
  },
};

const tag = (field: number, wireType: 0 | 1 | 2 | 5) => (field << 3) | wireType;

const request = {resourceSpans: tag(1, 2)};
const resourceSpans = {resource: tag(1, 2), scopeSpans: tag(2, 2)};
const resource = {attributes: tag(1, 2), droppedAttributes: tag(2, 0)};
const scopeSpans = {scope: tag(1, 2), spans: tag(2, 2)};
const scope = {name: tag(1, 2)};
const field = {
  traceId: tag(1, 2),
  spanId: tag(2, 2),
  traceState: tag(3, 2),
  parentSpanId: tag(4, 2),
  name: tag(5, 2),
  kind: tag(6, 0),
  start: tag(7, 1),
  end: tag(8, 1),
  attributes: tag(9, 2),
  droppedAttributes: tag(10, 0),
  events: tag(11, 2),
  droppedEvents: tag(12, 0),
  links: tag(13, 2),
  droppedLinks: tag(14, 0),
  status: tag(15, 2),
  flags: tag(16, 5),
};
const event = {time: tag(1, 1), name: tag(2, 2), attributes: tag(3, 2), droppedAttributes: tag(4, 0)};
const link = {traceId: tag(1, 2), spanId: tag(2, 2), traceState: tag(3, 2), droppedAttributes: tag(5, 0), flags: tag(6, 5)};
const status = {message: tag(2, 2), code: tag(3, 0)};
const keyValue = {key: tag(1, 2), value: tag(2, 2)};
const anyValue = {text: tag(1, 2), flag: tag(2, 0), integer: tag(3, 0), double: tag(4, 1), list: tag(5, 2)};
const arrayValue = {values: tag(1, 2)};

const writer = new ProtobufWriter();

/** Writes an export request with these spans, which all come from one recorder. */
function writeSpans(spans: readonly RecordedSpan[]): Uint8Array<ArrayBuffer> {
  const [first] = spans;
  if (!first) return new Uint8Array();
  writer.reset();
  const whole = writer.begin(request.resourceSpans);
  writeResource(first.resource);
  const scoped = writer.begin(resourceSpans.scopeSpans);
  const scopeAt = writer.begin(scopeSpans.scope);
  writer.text(scope.name, first.instrumentationScope.name);
  writer.end(scopeAt);
  for (const span of spans) writeSpan(span);
  writer.end(scoped);
  writer.end(whole);
  return writer.bytes();
}

function writeResource({attributes}: ReadableSpan['resource']): void {
  const at = writer.begin(resourceSpans.resource);
  writeAttributes(attributes as Attributes, resource.attributes); // the exporter has waited for all of them
  writer.integer(resource.droppedAttributes, 0);
  writer.end(at);
}

function writeSpan(span: RecordedSpan): void {
  const {name, kind, startMs, endMs, attributes, events, links, status: outcome, parentSpanContext: parent} = span;
  const context = span.spanContext();
  const at = writer.begin(scopeSpans.spans);
  writer.hex(field.traceId, context.traceId);
  writer.hex(field.spanId, context.spanId);
  const state = context.traceState?.serialize();
  if (state) writer.text(field.traceState, state);
  if (parent) writer.hex(field.parentSpanId, parent.spanId);
  writer.text(field.name, name);
  writer.integer(field.kind, kind + 1);
  writeTime(field.start, hrTimeOf(startMs));
  writeTime(field.end, hrTimeOf(endMs));
  writeAttributes(attributes, field.attributes);
  writer.integer(field.droppedAttributes, 0);
  for (const each of events) writeEvent(each);
  writer.integer(field.droppedEvents, 0);
  for (const each of links) writeLink(each.context);
  writer.integer(field.droppedLinks, 0);
  const statusAt = writer.begin(field.status);
  if (outcome.message) writer.text(status.message, outcome.message);
  writer.integer(status.code, outcome.code);
  writer.end(statusAt);
  writer.fixed32(field.flags, flagsOf(context.traceFlags, parent));
  writer.end(at);
}

function writeEvent({name, time, attributes}: ReadableSpan['events'][number]): void {
  const at = writer.begin(field.events);
  writeTime(event.time, time);
  writer.text(event.name, name);
  writeAttributes(attributes ?? {}, event.attributes);
  writer.integer(event.droppedAttributes, 0);
  writer.end(at);
}

const writeTime = (as: number, [seconds, nanoseconds]: HrTime) => writer.nanoseconds(as, seconds, nanoseconds);

function writeLink(context: SpanContext): void {
  const at = writer.begin(field.links);
  writer.hex(link.traceId, context.traceId);
  writer.hex(link.spanId, context.spanId);
  const state = context.traceState?.serialize();
  if (state) writer.text(link.traceState, state);
  writer.integer(link.droppedAttributes, 0);
  writer.fixed32(link.flags, flagsOf(context.traceFlags, context));
  writer.end(at);
}

/** The eight flags of the W3C, and above them two bits that say whether the context came from another process. */
const flagsOf = (traceFlags: number, of: SpanContext | undefined) => (traceFlags & 0xff) | 0x100 | (of?.isRemote ? 0x200 : 0);

function writeAttributes(attributes: Attributes, as: number): void {
  for (const name in attributes) {
    if (!Object.hasOwn(attributes, name)) continue; // a resource with a key `__proto__` has another prototype
    const value = attributes[name] as AttributeValue; // the loop stays inside
    const at = writer.begin(as);
    writer.name(keyValue.key, name);
    const valueAt = writer.begin(keyValue.value);
    writeValue(value);
    writer.end(valueAt);
    writer.end(at);
  }
}

function writeValue(value: AttributeValue): void {
  if (typeof value === 'string') writer.text(anyValue.text, value);
  else if (typeof value === 'boolean') writer.integer(anyValue.flag, value ? 1 : 0);
  else if (Array.isArray(value)) writeList(value);
  else writeNumber(value as number); // nothing else is left
}

function writeNumber(value: number): void {
  const isWhole = Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
  if (isWhole) writer.integer(anyValue.integer, value);
  else writer.double(anyValue.double, value);
}

function writeList(items: readonly (string | number | boolean | null | undefined)[]): void {
  const at = writer.begin(anyValue.list);
  for (const item of items) {
    const itemAt = writer.begin(arrayValue.values);
    if (item !== null && item !== undefined) writeValue(item);
    writer.end(itemAt);
  }
  writer.end(at);
}
