import type {Environment} from '../setting.ts';

const exporters = new Set(['otlp', 'console', 'zipkin', 'none']);
const protocols = new Set(['grpc', 'http/protobuf', 'http/json']);
const protocolNames = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
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
      .map(([name, value]) => `${name}: expected otlp, console, zipkin or none, got \`${value}\`: no spans leave`),
    ...given(protocolNames)
      .filter(([, value]) => !protocols.has(value))
      .map(([name, value]) => `${name}: expected grpc, http/protobuf or http/json, got \`${value}\`: http/protobuf is taken`),
    ...given(endpointNames)
      .filter(([, value]) => !URL.canParse(value) || !/^https?:/.test(value))
      .map(([name, value]) => `${name}: expected a URL such as http://collector:4318, got \`${value}\`: spans are lost`),
  ];
}
