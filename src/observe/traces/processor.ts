import {ConsoleSpanExporter, SimpleSpanProcessor, type SpanExporter, type SpanProcessor} from '@opentelemetry/sdk-trace';
import type {Clock} from '../../clock.ts';
import type {Environment} from '../../settings/setting.ts';
import {openOtlp, openZipkin} from './exporters.ts';
import type {LostSpans} from './lost.ts';
import {type QueueSizes, SpanQueue} from './queue.ts';

/** Opens the processors that export ended spans as the `OTEL_*` variables say. Empty when these name no known exporter. */
export async function openProcessors(env: Environment, lost: LostSpans, clock: Clock): Promise<SpanProcessor[]> {
  const listed = (env.OTEL_TRACES_EXPORTER ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  const names = new Set(listed.length > 0 ? listed : ['otlp']);
  if (names.has('none')) return [];
  const sizes = sizesOf(env);
  const queued = (name: string, exporter: SpanExporter) => new SpanQueue({name, exporter, sizes, lost, clock});
  const processors: SpanProcessor[] = [];
  if (names.has('otlp')) {
    // A collector cannot have rejected more than it was sent.
    const rejected = (spans: number, cause: string) => lost('not_taken', Math.min(spans, sizes.maxExportBatchSize), 'otlp', cause);
    processors.push(queued('otlp', await openOtlp(protocolOf(env), rejected)));
  }
  if (names.has('zipkin')) processors.push(queued('zipkin', await openZipkin()));
  if (names.has('console')) processors.push(new SimpleSpanProcessor({exporter: new ConsoleSpanExporter()}));
  return processors;
}

const protocolOf = (env: Environment) => env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?.trim() || env.OTEL_EXPORTER_OTLP_PROTOCOL?.trim();

/** A value that is not a number from 1 on counts as the default of the specification: batches of 0 would never empty the queue. */
function sizesOf(env: Environment): QueueSizes {
  const sizeOf = (name: string, fallback: number) => {
    const given = Math.floor(Number(env[name]?.trim() || Number.NaN));
    return given >= 1 ? given : fallback;
  };
  const maxQueueSize = sizeOf('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(sizeOf('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512), maxQueueSize),
    scheduledDelayMillis: sizeOf('OTEL_BSP_SCHEDULE_DELAY', 5000),
    exportTimeoutMillis: sizeOf('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  };
}
