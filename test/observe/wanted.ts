import test from 'ava';
import {doubtsOf} from '../../src/observe/traces/wanted.ts';

const doubtful: [name: string, value: string, said: RegExp][] = [
  ['OTEL_TRACES_EXPORTER', 'jaeger', /^OTEL_TRACES_EXPORTER: expected otlp, .* got `jaeger`: any other exporter gets no spans$/],
  ['OTEL_TRACES_EXPORTER', 'otlp,bogus', /got `otlp,bogus`/],
  ['OTEL_TRACES_EXPORTER', 'otlp,none', /^OTEL_TRACES_EXPORTER: expected none to stand alone, got `otlp,none`: no spans leave$/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'htp', /^OTEL_EXPORTER_OTLP_PROTOCOL: expected grpc, .* got `htp`: http\/protobuf is taken$/],
  ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http', /got `http`/],
  [
    'OTEL_TRACES_SAMPLER',
    'sometimes',
    /^OTEL_TRACES_SAMPLER: expected one of always_on, .* got `sometimes`: parentbased_always_on is taken$/,
  ],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5', /^OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got `1.5`: 1 is taken$/],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'nonsense', /^OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as .* got `nonsense`: spans are lost$/],
  ['OTEL_PROPAGATORS', 'tracecontext,jaeger', /expected one of tracecontext, .* got `tracecontext,jaeger`/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0', /^OTEL_BSP_MAX_QUEUE_SIZE: expected a number from 1 on, got `0`: the default is taken$/],
  ['OTEL_BSP_SCHEDULE_DELAY', '5s', /got `5s`/],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s', /expected milliseconds above 0, got `10s`/],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', /expected none or gzip, got `zstd`/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=1,Bearer secret,b=%zz', /percent-encoded: 2 of them are left out$/],
  ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', '=secret', /: 1 of them are left out$/],
  ['OTEL_LOG_LEVEL', 'loud', /expected one of none, .* got `loud`: info is taken$/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'good=1,bad', /`bad`: it is left out$/],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4318', /got `collector:4318`/],
];
for (const [name, value, said] of doubtful) {
  test(`${name}=${value} is doubted`, t => {
    const [doubt = '', ...more] = doubtsOf({[name]: value});
    t.regex(doubt, said);
    t.notRegex(doubt, /secret/);
    t.deepEqual(more, []);
  });
}

test('what the SDK understands, and what is not given, is not doubted', t => {
  t.deepEqual(doubtsOf({}), []);
  const env = {
    OTEL_TRACES_EXPORTER: ' otlp , console',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces',
    OTEL_PROPAGATORS: 'tracecontext, baggage,b3,',
    OTEL_BSP_MAX_QUEUE_SIZE: ' 1 ',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc=, x-scope = a ,',
    OTEL_LOG_LEVEL: 'WARN',
    OTEL_RESOURCE_ATTRIBUTES: 'a=1',
  };
  t.deepEqual(doubtsOf(env), []);
});
