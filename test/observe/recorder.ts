import {type SpanContext, SpanKind, TraceFlags} from '@opentelemetry/api';
import {InMemorySpanExporter, SimpleSpanProcessor} from '@opentelemetry/sdk-trace';
import test from 'ava';
import type {RecorderOptions, SpanStart} from '../../src/observe/traces/recorder.ts';
import {openSampler} from '../../src/observe/traces/sampler.ts';
import {openRecorder} from '../helpers/recorder.ts';

const started: SpanStart = {name: 'a', kind: SpanKind.SERVER, attributes: {}, parent: undefined, links: undefined, startMs: 1000.25};

function open(options: Partial<RecorderOptions> = {}) {
  const exporter = new InMemorySpanExporter();
  const recorder = openRecorder(new SimpleSpanProcessor({exporter}), options);
  return {recorder, finished: () => exporter.getFinishedSpans()};
}

const remote = (traceFlags: TraceFlags): SpanContext => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags,
  isRemote: true,
});

test('a span that is not sampled is not exported, and neither are the spans below it', t => {
  const {recorder, finished} = open({sampler: openSampler({OTEL_TRACES_SAMPLER: 'always_off'})});
  const span = recorder.start({...started, parent: remote(TraceFlags.SAMPLED)});
  const below = recorder.start({...started, parent: span.spanContext()});
  for (const each of [below, span]) each.end(2000);
  t.deepEqual(finished(), []);
  t.is(below.spanContext().traceFlags, TraceFlags.NONE);
  t.is(below.spanContext().traceId, span.spanContext().traceId);
});

const samplers: [env: Record<string, string>, root: boolean, belowSampled: boolean, belowUnsampled: boolean][] = [
  [{}, true, true, false],
  [{OTEL_TRACES_SAMPLER: 'sometimes'}, true, true, false],
  [{OTEL_TRACES_SAMPLER: ' parentbased_always_on '}, true, true, false],
  [{OTEL_TRACES_SAMPLER: 'parentbased_always_off'}, false, true, false],
  [{OTEL_TRACES_SAMPLER: 'always_on'}, true, true, true],
  [{OTEL_TRACES_SAMPLER: 'always_off'}, false, false, false],
  [{OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0'}, false, false, false],
  [{OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2'}, true, true, true],
  [{OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0'}, false, true, false],
  [{OTEL_TRACES_SAMPLER: 'parentbased_traceidratio'}, true, true, false],
];
for (const [env, root, belowSampled, belowUnsampled] of samplers) {
  test(`the sampler of ${JSON.stringify(env)}`, t => {
    const {recorder} = open({sampler: openSampler(env)});
    const isSampled = (parent?: SpanContext) => recorder.start({...started, parent}).isSampled;
    t.deepEqual(
      [isSampled(), isSampled(remote(TraceFlags.SAMPLED)), isSampled(remote(TraceFlags.NONE))],
      [root, belowSampled, belowUnsampled],
    );
  });
}

test('half of the traces are about half', t => {
  const {recorder} = open({sampler: openSampler({OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5'})});
  const sampled = Array.from({length: 2000}, () => recorder.start(started)).filter(({isSampled}) => isSampled);
  t.true(sampled.length > 800 && sampled.length < 1200, String(sampled.length));
});

test('ids are of the right length and do not come twice', t => {
  const {recorder} = open();
  const contexts = Array.from({length: 1000}, () => recorder.start(started).spanContext());
  for (const {traceId, spanId} of contexts) {
    t.regex(traceId, /^[0-9a-f]{32}$/);
    t.regex(spanId, /^[0-9a-f]{16}$/);
  }
  t.is(new Set(contexts.flatMap(({traceId, spanId}) => [traceId, spanId, traceId.slice(0, 16), traceId.slice(16)])).size, 4000);
});

test('texts are as long as the limit says', t => {
  const {recorder, finished} = open({mostCharacters: 3});
  recorder.start({...started, attributes: {'url.path': '/abcdef', 'server.port': 12345, 'faas.coldstart': false}}).end(2000);
  t.deepEqual(finished()[0]?.attributes, {'url.path': '/ab', 'server.port': 12345, 'faas.coldstart': false});
});

test('a clock that steps back makes no span end before it began', t => {
  const {recorder, finished} = open();
  recorder.start(started).end(500);
  const [span] = finished();
  t.deepEqual(
    [span?.endTime, span?.duration],
    [
      [1, 250_000],
      [0, 0],
    ],
  );
});

test('times keep their fractions of a millisecond', t => {
  const {recorder, finished} = open();
  const span = recorder.start(started);
  t.false(span.ended);
  span.end(2500.5);
  const [{startTime, endTime, duration, ended} = span] = finished();
  t.deepEqual(
    {startTime, endTime, duration, ended},
    {startTime: [1, 250_000], endTime: [2, 500_500_000], duration: [1, 500_250_000], ended: true},
  );
});
