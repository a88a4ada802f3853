import {ROOT_CONTEXT, type SpanContext, TraceFlags} from '@opentelemetry/api';
import {SamplingDecision, TraceIdRatioBasedSampler} from '@opentelemetry/sdk-trace';
import type {Environment} from '../../settings/setting.ts';

/** Whether the spans of a trace are recorded. */
export type Sampler = (traceId: string, parent: SpanContext | undefined) => boolean;

/** The sampler that decides when the sender has not. */
type Root = (traceId: string) => boolean;

/** The samplers of the environment, as the OpenTelemetry specification names them. Anything else is the default. */
export function openSampler(env: Environment): Sampler {
  switch (env.OTEL_TRACES_SAMPLER?.trim()) {
    case 'always_on':
      return always;
    case 'always_off':
      return never;
    case 'traceidratio':
      return ratioOf(env);
    case 'parentbased_always_off':
      return parentBased(never);
    case 'parentbased_traceidratio':
      return parentBased(ratioOf(env));
    default:
      return parentBased(always);
  }
}

const always = () => true;
const never = () => false;

function parentBased(root: Root): Sampler {
  return (traceId, parent) => (parent ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0 : root(traceId));
}

/** The SDK's own way to choose, so that a Node function which samples by ratio keeps the same traces. */
function ratioOf(env: Environment): Root {
  const given = env.OTEL_TRACES_SAMPLER_ARG?.trim();
  const ratio = given ? Number(given) : 1;
  const sampler = new TraceIdRatioBasedSampler(ratio >= 0 && ratio <= 1 ? ratio : 1);
  return traceId => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
}
