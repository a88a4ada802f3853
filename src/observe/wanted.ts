import type {Environment} from '../setting.ts';
import {describedResource} from './resource.ts';

const exporters = new Set(['otlp', 'console', 'zipkin', 'none']);
const protocols = new Set(['grpc', 'http/protobuf', 'http/json']);
const protocolNames = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
const samplers = new Set([
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
]);
const logLevels = new Set(['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all']);
const endpointNames = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** True when the environment names an exporter of traces; only then is the SDK loaded. */
export function wantsTelemetry(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  if (env.OTEL_TRACES_EXPORTER) return env.OTEL_TRACES_EXPORTER.trim() !== 'none';
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/** What the SDK would take without a word and do nothing with, each as a sentence. */
export function doubtsOf(env: Environment): string[] {
  const given = (names: readonly string[]) => names.flatMap(name => (env[name]?.trim() ? [[name, env[name].trim()] as const] : []));
  return [
    ...given(['OTEL_TRACES_EXPORTER'])
      .filter(([, names]) => !names.split(',').every(name => exporters.has(name.trim())))
      .map(
        ([name, value]) => `${name}: expected otlp, console, zipkin or none, got \`${value}\`: whatever else stands there gets no spans`,
      ),
    ...given(['OTEL_TRACES_EXPORTER'])
      .filter(([, names]) => names !== 'none' && names.split(',').some(name => name.trim() === 'none'))
      .map(([name, value]) => `${name}: expected none to stand alone, got \`${value}\`: no spans leave`),
    ...given(protocolNames)
      .filter(([, value]) => !protocols.has(value))
      .map(([name, value]) => `${name}: expected grpc, http/protobuf or http/json, got \`${value}\`: http/protobuf is taken`),
    ...given(['OTEL_TRACES_SAMPLER'])
      .filter(([, name]) => !samplers.has(name))
      .map(([name, value]) => `${name}: expected one of ${[...samplers].join(', ')}, got \`${value}\`: parentbased_always_on is taken`),
    ...given(['OTEL_TRACES_SAMPLER_ARG'])
      .filter(([, ratio]) => !(Number(ratio) >= 0 && Number(ratio) <= 1))
      .map(([name, value]) => `${name}: expected a number from 0 to 1, got \`${value}\`: 1 is taken`),
    ...given(['OTEL_LOG_LEVEL'])
      .filter(([, level]) => !logLevels.has(level.toLowerCase()))
      .map(([name, value]) => `${name}: expected one of ${[...logLevels].join(', ')}, got \`${value}\`: info is taken`),
    ...describedResource(env).doubts,
    ...given(endpointNames)
      .filter(([, value]) => !URL.canParse(value) || !/^https?:/.test(value))
      .map(([name, value]) => `${name}: expected a URL such as http://collector:4318, got \`${value}\`: spans are lost`),
  ];
}
