import {createRequire} from 'node:module';
import {HttpInstrumentation} from '@opentelemetry/instrumentation-http';
import {
  defaultResource,
  detectResources,
  hostDetector,
  osDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {NodeSDK} from '@opentelemetry/sdk-node';
import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';
import type {Environment} from '../../settings/setting.ts';
import {containerId} from '../container.ts';
import type {LostSpans} from './lost.ts';
import {openProcessors} from './processor.ts';
import {SpanQueue} from './queue.ts';
import {recordedSpans} from './recorded.ts';
import {Recorder} from './recorder.ts';
import {describedResource} from './resource.ts';
import {openSampler} from './sampler.ts';
import {logSdk} from './sdk-log.ts';
import {passingSpans, type Spans} from './spans.ts';

/** A dead collector must not hold up the stop. */
const longestFlushMs = 2000;

export interface Identity {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly instance: string;
  readonly memoryBytes: number;
}

export interface TelemetryHouse {
  readonly env: Environment;
  readonly clock: Clock;
  readonly lost: LostSpans;
  /** Where the SDK logs. */
  readonly log: Log;
}

export interface Telemetry extends AsyncDisposable {
  readonly spans: Spans;
}

/**
Starts the OpenTelemetry SDK: traces as the `OTEL_*` variables say, metrics and logs left to Prometheus and stdout.
Import this file only when an exporter is configured; it costs 150 ms and 43 MB.
*/
export async function openTelemetry(identity: Identity, {env, clock, lost, log}: TelemetryHouse): Promise<Telemetry> {
  logSdk(env.OTEL_LOG_LEVEL, log);
  const processors = await openProcessors(env, lost, clock);
  // What the environment says wins; the instance is ours, the same as in `faas.instance`.
  const detectors = [hostDetector, osDetector, processDetector];
  const resource = defaultResource()
    .merge(resourceFromAttributes(described(identity)))
    .merge(detectResources({detectors}))
    .merge(resourceFromAttributes(describedResource(env).attributes));
  // The SDK's tracer is for calls that leave the machine; our own spans are for everything else.
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    instrumentations: [new HttpInstrumentation({disableIncomingRequestInstrumentation: true})],
    metricReaders: [],
    logRecordProcessors: [],
    spanProcessors: processors,
  });
  sdk.start();
  // The instrumentation patches a module when it is next required, even one that is loaded already.
  createRequire(import.meta.url)('node:http');

  const recorder = new Recorder({processors, resource, sampler: openSampler(env), mostCharacters: longestValue(env)});
  const {functionName} = identity;
  return {
    // Spans that are not exported are not recorded either: the ids of such spans must not travel on.
    spans: processors.length > 0 ? recordedSpans({recorder, functionName, clock}) : passingSpans,
    async [Symbol.asyncDispose]() {
      const flushed = new AbortController();
      // All at the same time, so that one that fails or never answers takes no time from the others.
      const closed = processors.map(processor => processor.shutdown().catch(() => {}));
      await Promise.race([Promise.all(closed), clock.sleep(longestFlushMs, flushed.signal)]);
      flushed.abort();
      for (const processor of processors) if (processor instanceof SpanQueue) processor.abandon();
    },
  };
}

/** How many characters of a text are kept. The limits for attributes, events and links are ignored, as our spans have a dozen. */
export function longestValue(env: Environment): number {
  const given = [env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT];
  const limit = given.map(text => Number(text?.trim() || Number.NaN)).find(number => !Number.isNaN(number));
  return limit !== undefined && limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function described({functionName, functionVersion, instance, memoryBytes}: Identity): Record<string, string | number> {
  const container = containerId();
  return {
    'service.name': functionName,
    'service.instance.id': instance,
    'faas.name': functionName,
    'faas.instance': instance,
    'faas.max_memory': memoryBytes,
    ...(functionVersion && {'service.version': functionVersion, 'faas.version': functionVersion}),
    ...(container !== undefined && {'container.id': container}),
  };
}
