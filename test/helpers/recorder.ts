import {resourceFromAttributes} from '@opentelemetry/resources';
import type {SpanProcessor} from '@opentelemetry/sdk-trace';
import {Recorder, type RecorderOptions} from '../../src/observe/traces/recorder.ts';
import {openSampler} from '../../src/observe/traces/sampler.ts';

/** Records spans, every one unless the caller's trace is not sampled, for a processor of the SDK. */
export function openRecorder(processor: SpanProcessor, options: Partial<RecorderOptions> = {}): Recorder {
  const resource = resourceFromAttributes({'service.name': 'hello'});
  return new Recorder({processors: [processor], resource, sampler: openSampler({}), mostCharacters: Number.POSITIVE_INFINITY, ...options});
}
