import {createNoopMeter, type MeterProvider} from '@opentelemetry/api';
import {OTLPExporterBase} from '@opentelemetry/otlp-exporter-base';
import {convertLegacyHttpOptions, createOtlpHttpExportDelegate} from '@opentelemetry/otlp-exporter-base/node-http';
import {TraceExporterMetricsHelper} from '@opentelemetry/otlp-transformer';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type {Environment} from '../setting.ts';
import {spanSerializer} from './otlp.ts';

/** Told of spans that the collector does not get. */
export type DroppedSpans = (reason: 'queue_full' | 'not_taken', spans: number) => void;

/**
What takes ended spans to where the `OTEL_*` variables say, and counts those that a queue loses: the SDK's own way to
count them needs a second set of metrics. Empty where they name nothing that is known.
*/
export async function openProcessors(env: Environment, dropped: DroppedSpans): Promise<SpanProcessor[]> {
  const listed = (env.OTEL_TRACES_EXPORTER ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  const names = new Set(listed.length > 0 ? listed : ['otlp']);
  if (names.has('none')) return [];
  const queued = (exporter: SpanExporter) => new BatchSpanProcessor({...sizes(env), exporter, selfObsMeterProvider: listening(dropped)});
  const processors: SpanProcessor[] = [];
  if (names.has('otlp')) processors.push(queued(await openOtlp(protocolOf(env))));
  if (names.has('zipkin')) {
    const {ZipkinExporter} = await import('@opentelemetry/exporter-zipkin');
    processors.push(queued(new ZipkinExporter()));
  }
  if (names.has('console')) processors.push(new SimpleSpanProcessor({exporter: new ConsoleSpanExporter()}));
  return processors;
}

const protocolOf = (env: Environment) => env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?.trim() || env.OTEL_EXPORTER_OTLP_PROTOCOL?.trim();

const sizeNames = {
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
};

/** What is not a number above 0 stays as the SDK has it: batches of none would never empty the queue. */
function sizes(env: Environment): Record<string, number> {
  const given = Object.entries(sizeNames).map(([option, name]) => [option, Number(env[name]?.trim() || Number.NaN)] as const);
  return Object.fromEntries(given.filter(([, value]) => value > 0));
}

/** Endpoint, headers, timeout, compression and certificates are read from the environment by the SDK's exporters themselves. */
async function openOtlp(protocol: string | undefined) {
  switch (protocol) {
    case 'grpc': {
      const {OTLPTraceExporter} = await import('@opentelemetry/exporter-trace-otlp-grpc');
      return new OTLPTraceExporter();
    }
    case 'http/json': {
      const {OTLPTraceExporter} = await import('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter();
    }
    default:
      return openProtobuf();
  }
}

/** The SDK's own exporter, but for who writes the spans. */
function openProtobuf(): SpanExporter {
  const options = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', {'Content-Type': 'application/x-protobuf'});
  const kind = 'otlp_http_span_exporter';
  return new OTLPExporterBase(createOtlpHttpExportDelegate(options, spanSerializer, kind, TraceExporterMetricsHelper, undefined));
}

/** The processor counts what it is done with under this name, and failures with `error.type`. */
const processed = 'otel.sdk.processor.span.processed';

function listening(dropped: DroppedSpans): MeterProvider {
  const meter = createNoopMeter();
  const createCounter: typeof meter.createCounter = (name, options) => {
    if (name !== processed) return meter.createCounter(name, options);
    return {
      add(spans, attributes) {
        const error = attributes?.['error.type'];
        if (error !== undefined) dropped(error === 'queue_full' ? 'queue_full' : 'not_taken', spans);
      },
    };
  };
  return {getMeter: () => Object.assign(Object.create(meter), {createCounter})};
}
