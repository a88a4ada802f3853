import {createRequire} from 'node:module';
import {HttpInstrumentation} from '@opentelemetry/instrumentation-http';
import {defaultResource, envDetector, hostDetector, osDetector, processDetector, resourceFromAttributes} from '@opentelemetry/resources';
import {NodeSDK} from '@opentelemetry/sdk-node';
import type {Clock} from '../clock.ts';
import type {Environment} from '../setting.ts';
import {containerId} from './container.ts';
import {type DroppedSpans, openProcessor} from './processor.ts';

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
  readonly dropped: DroppedSpans;
}

/**
Starts the OpenTelemetry SDK: traces as the `OTEL_*` variables say, metrics and logs left to Prometheus and stdout.
Import this file only when an exporter is configured; it costs 150 ms and 43 MB.
*/
export async function openTelemetry(identity: Identity, {env, clock, dropped}: TelemetryHouse): Promise<AsyncDisposable> {
  const processor = await openProcessor(env, dropped);
  const sdk = new NodeSDK({
    resource: defaultResource().merge(resourceFromAttributes(described(identity))),
    // What the environment says wins; the instance is ours, the same as in `faas.instance`.
    resourceDetectors: [hostDetector, osDetector, processDetector, envDetector],
    instrumentations: [new HttpInstrumentation({disableIncomingRequestInstrumentation: true})],
    metricReaders: [],
    logRecordProcessors: [],
    ...(processor && {spanProcessors: [processor]}),
  });
  sdk.start();
  // The instrumentation patches a module when it is next required, even one that is loaded already.
  createRequire(import.meta.url)('node:http');

  return {
    async [Symbol.asyncDispose]() {
      const flushed = new AbortController();
      await Promise.race([sdk.shutdown().catch(() => {}), clock.sleep(longestFlushMs, flushed.signal)]);
      flushed.abort();
    },
  };
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
