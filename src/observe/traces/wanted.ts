import type {Environment} from '../../settings/setting.ts';
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
const propagators = new Set(['tracecontext', 'baggage', 'b3', 'b3multi', 'none']);
const sizeNames = ['OTEL_BSP_MAX_QUEUE_SIZE', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'OTEL_BSP_SCHEDULE_DELAY', 'OTEL_BSP_EXPORT_TIMEOUT'];
const timeoutNames = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'];
const compressionNames = ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'];
const headerNames = ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'];
const endpointNames = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** True when the environment names an exporter of traces; only then is the SDK loaded. */
export function wantsTelemetry(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  if (env.OTEL_TRACES_EXPORTER) return env.OTEL_TRACES_EXPORTER.trim() !== 'none';
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

interface Rule {
  readonly names: readonly string[];
  isKept(value: string): boolean;
  readonly expected: string;
  readonly consequence: string;
}

const listOf = (value: string) => value.split(',').map(name => name.trim());
const oneOf = (words: ReadonlySet<string>) => `one of ${[...words].join(', ')}`;

const rules: readonly Rule[] = [
  {
    names: ['OTEL_TRACES_EXPORTER'],
    isKept: names => listOf(names).every(name => exporters.has(name)),
    expected: 'otlp, console, zipkin or none',
    consequence: 'any other exporter gets no spans',
  },
  {
    names: ['OTEL_TRACES_EXPORTER'],
    isKept: names => names === 'none' || !listOf(names).includes('none'),
    expected: 'none to stand alone',
    consequence: 'no spans leave',
  },
  {
    names: protocolNames,
    isKept: name => protocols.has(name),
    expected: 'grpc, http/protobuf or http/json',
    consequence: 'http/protobuf is taken',
  },
  {
    names: ['OTEL_TRACES_SAMPLER'],
    isKept: name => samplers.has(name),
    expected: oneOf(samplers),
    consequence: 'parentbased_always_on is taken',
  },
  {
    names: ['OTEL_TRACES_SAMPLER_ARG'],
    isKept: ratio => Number(ratio) >= 0 && Number(ratio) <= 1,
    expected: 'a number from 0 to 1',
    consequence: '1 is taken',
  },
  {
    names: ['OTEL_PROPAGATORS'],
    isKept: names => listOf(names).every(name => name === '' || propagators.has(name)),
    expected: oneOf(propagators),
    consequence: 'any other propagator is ignored',
  },
  {names: sizeNames, isKept: size => Number(size) >= 1, expected: 'a number from 1 on', consequence: 'the default is taken'},
  {names: timeoutNames, isKept: time => Number(time) > 0, expected: 'milliseconds above 0', consequence: 'the default is taken'},
  {names: compressionNames, isKept: name => /^(none|gzip)$/.test(name), expected: 'none or gzip', consequence: 'none is taken'},
  {
    names: ['OTEL_LOG_LEVEL'],
    isKept: level => logLevels.has(level.toLowerCase()),
    expected: oneOf(logLevels),
    consequence: 'info is taken',
  },
  {
    names: endpointNames,
    isKept: url => URL.canParse(url) && /^https?:/.test(url),
    expected: 'a URL such as http://collector:4318',
    consequence: 'spans are lost',
  },
];

/** Values that the SDK would accept silently and ignore, one sentence each. */
export function doubtsOf(env: Environment): string[] {
  const doubts = rules.flatMap(({names, isKept, expected, consequence}) =>
    names.flatMap(name => {
      const value = env[name]?.trim();
      return value && !isKept(value) ? [`${name}: expected ${expected}, got \`${value}\`: ${consequence}`] : [];
    }),
  );
  return [...doubts, ...headerNames.flatMap(name => doubtHeaders(name, env[name])), ...describedResource(env).doubts];
}

/** Headers carry credentials: their values are not repeated. */
function doubtHeaders(name: string, given = ''): string[] {
  const lost = listOf(given).filter(member => member !== '' && !isHeader(member)).length;
  return lost > 0 ? [`${name}: expected key=value with commas between, percent-encoded: ${lost} of them are left out`] : [];
}

function isHeader(member: string): boolean {
  const [key = '', value = ''] = [member.slice(0, member.indexOf('=')), member.slice(member.indexOf('=') + 1)].map(part => part.trim());
  try {
    return member.includes('=') && decodeURIComponent(key) !== '' && decodeURIComponent(value) !== '';
  } catch {
    return false;
  }
}
