import test from 'ava';
import {ConfigurationError} from '../src/errors.ts';
import {joinSettings} from '../src/settings/config.ts';
import {checkNames, childEnvironment, takeEnvironment} from '../src/settings/environment.ts';
import {triggers} from '../triggers/index.ts';

const table = joinSettings(triggers);

test('a name one edit away from a setting stops the start and names it', t => {
  const typos: [string, string][] = [
    ['CORE_TIMEOU', 'CORE_TIMEOUT'],
    ['CORE_TIMEOUTS', 'CORE_TIMEOUT'],
    ['CORE_TIMEAUT', 'CORE_TIMEOUT'],
    ['CORE_QEUE', 'CORE_QUEUE'],
    ['CORE_LOGLEVEL', 'CORE_LOG_LEVEL'],
    ['CORE_JWK_URL', 'CORE_JWKS_URL'],
    ['CORE_AUTH_REQUIRE_EXPI', 'CORE_AUTH_REQUIRE_EXP'],
  ];
  for (const [typo, meant] of typos) {
    const error = t.throws(() => checkNames(table, {[typo]: 'x'}), {instanceOf: ConfigurationError}, typo);
    t.is(error?.message, `${typo} is not a setting; did you mean ${meant}?`);
  }
});

test('all typing mistakes are reported at once', t => {
  const error = t.throws<ConfigurationError>(() => checkNames(table, {CORE_TIMEOU: 'x', CORE_QUEU: 'x'}), {instanceOf: ConfigurationError});
  t.is(error?.problems.length, 2);
});

test('a name further away belongs to the function: one warning each, with the nearest', t => {
  const [warning, ...more] = checkNames(table, {CORE_RUNTIME_SERVICE_HOST: '10.0.0.1', CORE_TIMEOUT: '1s', PATH: '/bin', CORE: 'x'});
  t.deepEqual(more, []);
  t.regex(warning ?? '', /^CORE_RUNTIME_SERVICE_HOST is not a setting and is passed to the function; the nearest is CORE_/);
  t.false(warning?.includes('10.0.0.1'));
});

test('what Kubernetes injects beside a Service of the product’s name stops nothing', t => {
  const injected = ['HOST', 'PORT', 'PORT_HTTP'].map(name => `CORE_RUNTIME_SERVICE_${name}`);
  const ports = ['', '_8080_TCP', '_8080_TCP_PROTO', '_8080_TCP_PORT', '_8080_TCP_ADDR'].map(name => `CORE_RUNTIME_PORT${name}`);
  const env = Object.fromEntries([...injected, ...ports].map(name => [name, 'x']));
  t.is(checkNames(table, env).length, 8);
  t.deepEqual(Object.keys(childEnvironment(table, env)).sort(), Object.keys(env).sort());
});

test('settings and names of others give no warning', t => {
  const env = Object.fromEntries(Object.values(table).map(({name}) => [name, 'x']));
  t.deepEqual(checkNames(table, {...env, SCW_PUBLICS: 'x', COREX: 'x', MY_CORE_TIMEOU: 'x'}), []);
});

test('the child gets the user’s variables and the contract’s', t => {
  const env = {
    PATH: '/bin',
    HOME: '/root',
    EMPTY: '',
    SCW_APPLICATION_NAME: 'a',
    SCW_PUBLIC: 'true',
    SCW_HANDLER_NAME: 'handle',
    SCW_PAYLOAD_MAX_SIZE: '1',
    SCW_SECRET_OF_THE_USER: 's',
    PORT: '8080',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c',
    CORE_RUNTIME_SERVICE_HOST: 'h',
    CORE_CONCURRENCY: '4',
    CORE_PYTHON_APP: 'wsgi',
  };
  t.deepEqual(childEnvironment(table, {...env, UNSET: undefined}), env);
});

test('secrets, our settings and the exporters’ headers stay behind', t => {
  const shared = ['CORE_CONCURRENCY', 'CORE_PYTHON_APP'];
  const own = Object.values(table).filter(({name, secret}) => secret || (name.startsWith('CORE_') && !shared.includes(name)));
  t.true(own.length > 15);
  const withheld = [
    ...own.map(({name}) => name),
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
    'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
  ];
  for (const name of ['SCW_PUBLIC_KEY', 'CORE_JOURNAL', 'CORE_JWKS_URL']) t.true(withheld.includes(name), name);
  t.deepEqual(childEnvironment(table, Object.fromEntries(withheld.map(name => [name, 'canary']))), {});
});

test('the environment is a copy, and nothing in the process’s own makes a library write to our output', t => {
  const own: Record<string, string | undefined> = {A: '1', OTEL_LOG_LEVEL: 'debug'};
  const taken = takeEnvironment(own);
  t.deepEqual(taken, {A: '1', OTEL_LOG_LEVEL: 'debug'});
  t.deepEqual(own, {A: '1'});
});

test('a word that may be meant for true is reported, and counts as false', t => {
  for (const given of ['True', 'TRUE', 'true ', ' true', 'true\n', 'yes', '1', 'on']) {
    const warnings = checkNames(table, {SCW_PUBLIC: given, SCW_HANDLER_IS_BINARY: given});
    t.is(warnings.length, 2, given);
    t.true(
      warnings.every(warning => /^SCW_\w+ is `.*` and counts as false: only the exact word true counts$/.test(warning)),
      given,
    );
  }
  for (const given of ['true', 'false', '']) t.deepEqual(checkNames(table, {SCW_PUBLIC: given, SCW_HANDLER_IS_BINARY: given}), []);
});
