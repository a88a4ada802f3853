import {createNoopMeter, type MeterProvider} from '@opentelemetry/api';
import {BatchSpanProcessor} from '@opentelemetry/sdk-trace';
import type {Environment} from '../setting.ts';

/** Told of spans that the collector does not get. */
export type DroppedSpans = (reason: 'queue_full' | 'not_taken', spans: number) => void;

/**
What queues spans and sends them over OTLP, as the `OTEL_*` variables say, and counts those it loses: the SDK's own way
to count them needs a second set of metrics. Undefined for any other exporter: the SDK opens that one itself.
*/
export async function openProcessor(env: Environment, dropped: DroppedSpans): Promise<BatchSpanProcessor | undefined> {
  if ((env.OTEL_TRACES_EXPORTER?.trim() || 'otlp') !== 'otlp') return undefined;
  return new BatchSpanProcessor({
    ...sizes(env),
    exporter: await openExporter(env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?.trim() || env.OTEL_EXPORTER_OTLP_PROTOCOL?.trim()),
    selfObsMeterProvider: listening(dropped),
  });
}

const sizeNames = {
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
};

/** What is not a number stays as the SDK has it. */
function sizes(env: Environment): Record<string, number> {
  const given = Object.entries(sizeNames).map(([option, name]) => [option, Number(env[name]?.trim() || Number.NaN)] as const);
  return Object.fromEntries(given.filter(([, value]) => value >= 0));
}

/** Endpoint, headers, timeout, compression and certificates are read from the environment by the exporters themselves. */
async function openExporter(protocol: string | undefined) {
  switch (protocol) {
    case 'grpc': {
      const {OTLPTraceExporter} = await import('@opentelemetry/exporter-trace-otlp-grpc');
      return new OTLPTraceExporter();
    }
    case 'http/json': {
      const {OTLPTraceExporter} = await import('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter();
    }
    default: {
      const {OTLPTraceExporter} = await import('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter();
    }
  }
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
