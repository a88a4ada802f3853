import {createRequire} from 'node:module';
import {HttpInstrumentation} from '@opentelemetry/instrumentation-http';
import {defaultResource, resourceFromAttributes} from '@opentelemetry/resources';
import {NodeSDK} from '@opentelemetry/sdk-node';
import type {Clock} from '../clock.ts';

/** A dead collector must not hold up the stop. */
const longestFlushMs = 2000;

export interface Identity {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly instance: string;
  readonly memoryBytes: number;
}

/**
Starts the OpenTelemetry SDK: traces as the `OTEL_*` variables say, metrics and logs left to Prometheus and stdout.
Import this file only when an exporter is configured; it costs 150 ms and 43 MB.
*/
export function openTelemetry({functionName, functionVersion, instance, memoryBytes}: Identity, clock: Clock): AsyncDisposable {
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': functionName,
        ...(functionVersion && {'service.version': functionVersion}),
        'faas.name': functionName,
        ...(functionVersion && {'faas.version': functionVersion}),
        'faas.instance': instance,
        'faas.max_memory': memoryBytes,
      }),
    ),
    instrumentations: [new HttpInstrumentation({disableIncomingRequestInstrumentation: true})],
    metricReaders: [],
    logRecordProcessors: [],
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
