import {isIPv4} from 'node:net';
import * as v from 'valibot';
import {attempt} from '../attempt.ts';
import {journalForms, journalHelp, readPlace} from '../journals/index.ts';
import {inGroup} from './groups.ts';
import {
  autoOr,
  duration,
  type Environment,
  exactly,
  flag,
  integer,
  oneOf,
  type Parsed,
  parseSettings,
  port,
  type Settings,
  secret,
  setting,
  size,
  text,
  token,
  url,
  word,
} from './setting.ts';

/** Most GiB of a setting that bounds a process or a disk: the core does not hold so much. */
const mostGib = 1024;

/** Every setting of the core. Triggers bring their own; `joinSettings` makes one table of all. */
export const settings = {
  ...inGroup('first', {
    handlerPath: setting(
      'SCW_HANDLER_PATH',
      absolutePath(),
      undefined,
      'Absolute path of the handler file or binary; the extension may be left out.',
    ),
    handlerName: setting('SCW_HANDLER_NAME', word(), 'handle', 'Exported function to call.'),
    isPublic: setting('SCW_PUBLIC', exactly('true'), 'false', 'Only the word true opens the function to everybody.'),
    workers: setting('CORE_WORKERS', integer(1, 64), '1', 'Sub-runtime processes that are kept running.'),
  }),
  ...inGroup('serving', {
    runtimeBinary: setting('SCW_RUNTIME_BINARY', text(), undefined, 'Interpreter that runs the bridge. By default that of the language.'),
    runtimeBridge: setting(
      'SCW_RUNTIME_BRIDGE',
      text(),
      undefined,
      'Sub-runtime program that the interpreter runs. By default our bridge for the language.',
    ),
    handlerIsBinary: setting(
      'SCW_HANDLER_IS_BINARY',
      exactly('true'),
      'false',
      'Only the word true: SCW_HANDLER_PATH is a program, and is run itself.',
    ),
    language: setting(
      'CORE_RUNTIME',
      word(),
      undefined,
      'Language of the handler: node, python or php; lambda for a program written for AWS Lambda. By default its extension decides.',
    ),
    lambdaPayload: setting(
      'CORE_LAMBDA_PAYLOAD',
      oneOf('2.0', '1.0', 'body', 'event'),
      '2.0',
      'What a program for Lambda gets: API Gateway’s payload 2.0 or 1.0, the body of the request as it is, or our event.',
    ),
    upstreamHost: setting('SCW_UPSTREAM_HOST', loopback(), '127.0.0.1', 'Loopback address of the sub-runtime, with or without http://.'),
    command: setting(
      'CORE_COMMAND',
      commandLine(),
      undefined,
      'Program that is the function, with its arguments, as a JSON list: ["node","server.js"]. `start` and `dev` take it behind `--`.',
    ),
    protocolName: setting(
      'CORE_PROTOCOL',
      oneOf('event', 'stream', 'http'),
      'event',
      'event: each delivery is an event. stream: the body of a request comes as it is read. http: requests pass through to an HTTP server.',
    ),
    hop: setting(
      'CORE_HOP',
      oneOf('auto', 'http'),
      'auto',
      'auto calls a sub-runtime on the channel that it inherits, when it offers that; http calls each at its port.',
    ),
    upstreamPort: setting('SCW_UPSTREAM_PORT', port(), '8081', 'Port of the first sub-runtime that is called over HTTP.'),
    applicationName: setting('SCW_APPLICATION_NAME', text(), '', 'Name of the function, in the context, metrics and traces.'),
    applicationVersion: setting('SCW_APPLICATION_VERSION', text(), '', 'Version of the function, in the context, metrics and traces.'),
    applicationMemory: setting(
      'SCW_APPLICATION_MEMORY',
      integer(1, 1_048_576),
      '128',
      'Memory of the function in MB, as its context says. It is not a limit.',
    ),
    cloudEvents: setting(
      'CORE_CLOUDEVENTS',
      oneOf('off', 'on'),
      'off',
      'on: CloudEvents are unpacked, with their attributes as headers and their data as the body; a batch is a call for each.',
    ),
    childUser: setting(
      'CORE_CHILD_USER',
      word(),
      undefined,
      'User that the sub-runtimes run as: a name, or uid:gid. The core must be root.',
    ),
    base64: setting(
      'CORE_BASE64',
      oneOf('exact', 'sniff'),
      'exact',
      'sniff also marks a text as base64 when it happens to decode as base64, as the original did.',
    ),
    pythonApp: setting(
      'CORE_PYTHON_APP',
      oneOf('auto', 'handler', 'asgi', 'wsgi'),
      'auto',
      'What SCW_HANDLER_NAME is in a Python file: a handler of events, or an application. auto tells it by the names of its parameters.',
    ),
    cancel: setting(
      'CORE_CANCEL',
      oneOf('finish', 'abort'),
      'finish',
      'When a caller leaves: finish lets its call run to the end, abort breaks it off.',
    ),
    concurrency: setting(
      'CORE_CONCURRENCY',
      integer(1, 10_000),
      undefined,
      'Calls at a time in one sub-runtime. By default 100; 1,000 with CORE_PROTOCOL=http; 1 for PHP, Lambda, and Python but for `async def`.',
    ),
    processes: setting(
      'CORE_PROCESSES',
      autoOr(1, 64),
      '1',
      'Core processes that share the port, each with its share of CORE_WORKERS, at least one. auto: one per processor.',
    ),
  }),
  ...inGroup('callers', {
    publicKey: secret('SCW_PUBLIC_KEY', text(), undefined, 'RSA public key (PEM) that verifies callers of a private function.'),
    applicationId: setting('SCW_APPLICATION_ID', word(), '', 'Id of this function, matched against the token.'),
    namespaceId: setting('SCW_NAMESPACE_ID', word(), '', 'Id of its namespace, matched against the token.'),
    upstreamExposed: setting(
      'CORE_UPSTREAM_EXPOSED',
      oneOf('refuse', 'allow'),
      'refuse',
      'A server (CORE_PROTOCOL=http) of a private function that listens beyond loopback, where callers need no token, is ended: refuse.',
    ),
    requireExpiry: setting('CORE_AUTH_REQUIRE_EXP', flag(), 'false', 'Refuse tokens without an expiry.'),
    clockToleranceMs: setting('CORE_AUTH_CLOCK_TOLERANCE', duration(), '0s', 'Clock difference that is tolerated when a token is checked.'),
    issuer: setting('CORE_AUTH_ISSUER', word(), undefined, 'Issuer that a token must name.'),
    audience: setting('CORE_AUTH_AUDIENCE', word(), undefined, 'Audience that a token must name.'),
    jwksUrl: setting('CORE_JWKS_URL', url('https', 'http'), undefined, 'Key set that verifies callers, fetched again as keys rotate.'),
    jwksMaxAgeMs: setting(
      'CORE_JWKS_MAX_AGE',
      duration(1000),
      '1h',
      'How long the keys are still used when the key set cannot be fetched again.',
    ),
  }),
  ...inGroup('limits', {
    timeoutMs: setting('CORE_TIMEOUT', duration(1), '300s', 'Longest time from accepting an event to its reply; then 504.'),
    streamIdleMs: setting(
      'CORE_STREAM_IDLE',
      duration(1),
      '60s',
      'Longest time without a piece of a streamed reply; then it is broken off.',
    ),
    streamTimeoutMs: setting(
      'CORE_STREAM_TIMEOUT',
      duration(1),
      undefined,
      'Longest time from accepting an event to the last piece of a streamed reply; then it is broken off. By default CORE_TIMEOUT.',
    ),
    startTimeoutMs: setting('CORE_START_TIMEOUT', duration(1), '60s', 'Longest time for the sub-runtime to become ready.'),
    graceMs: setting('CORE_GRACE', duration(), '25s', 'Time for calls in flight to finish after SIGTERM.'),
    restarts: setting(
      'CORE_RESTARTS',
      integer(0, 1_000_000),
      '10',
      'Ends in 2 minutes before an answer or 0.5 s of running. After more, if no other sub-runtime served then, a start every 30 to 60 s.',
    ),
    queueLength: setting('CORE_QUEUE', integer(0, 1_000_000), '1000', 'Events that may wait for a free sub-runtime; more get 503.'),
    queueWaitMs: setting('CORE_QUEUE_WAIT', duration(), '10s', 'Longest wait for a free sub-runtime; then 503.'),
    inflightBytes: setting(
      'CORE_INFLIGHT_BYTES',
      size(),
      undefined,
      'Bytes held at a time for callers, functions and readers; past it callers get 503. By default 128MiB, or an eighth of the memory if less.',
    ),
    responseMaxBytes: setting('CORE_RESPONSE_MAX_SIZE', size(), '6MiB', 'Largest reply body, counted as the client gets it.'),
    childMemoryBytes: setting(
      'CORE_CHILD_MEMORY',
      size(2 ** 20, mostGib),
      undefined,
      'Memory past which a sub-runtime is ended: by the kernel where control groups can be made, else by the size of its process group.',
    ),
  }),
  ...inGroup('journal', {
    journal: setting(
      'CORE_JOURNAL',
      v.pipe(
        v.string(),
        v.check(given => readPlace(given) !== undefined, `expected ${journalForms}`),
      ),
      undefined,
      `Where facts are: ${journalHelp}; else in CORE_DATA_DIR.`,
    ),
    journalCredentials: setting(
      'CORE_JOURNAL_CREDENTIALS',
      text(),
      undefined,
      'File of credentials for the servers of a journal in NATS, as `nsc` writes it, or with the seed of an nkey.',
    ),
    journalSynced: setting(
      'CORE_JOURNAL_SYNCED',
      text(),
      undefined,
      'Where it is seen that NATS servers sync each write: http://host:8222, for each; or asserted. By default port 8222 of their hosts.',
    ),
    dataDir: setting(
      'CORE_DATA_DIR',
      text(),
      undefined,
      'Folder for the journals of all functions. By default core-runtime below $XDG_STATE_HOME or ~/.local/state.',
    ),
    journalHttp: setting(
      'CORE_JOURNAL_HTTP',
      oneOf('off', 'facts', 'full'),
      'facts',
      'What is kept of HTTP invocations. off: nothing; facts: no path, header or body; full: request and reply too, for replay.',
    ),
    journalRedact: setting(
      'CORE_JOURNAL_REDACT',
      text(),
      '',
      'More header fields, separated by commas, that are kept as name and hash only. Credentials and cookies always are.',
    ),
    factsKeptMs: setting('CORE_JOURNAL_KEEP', duration(), '168h', 'How long facts are kept after their invocation has ended.'),
    payloadsKeptMs: setting(
      'CORE_JOURNAL_KEEP_BODIES',
      duration(),
      '24h',
      'How long requests and replies are kept after their invocation has ended.',
    ),
    journalBytes: setting(
      'CORE_JOURNAL_MAX_SIZE',
      size(2 ** 20, mostGib),
      '1GiB',
      'Largest size of the journal; past it the oldest facts are removed early.',
    ),
  }),
  ...inGroup('observing', {
    logLevel: setting(
      'CORE_LOG_LEVEL',
      oneOf('debug', 'info', 'warn', 'error'),
      'info',
      'Least important log line that is written: debug, info, warn or error.',
    ),
    traceUrl: setting(
      'CORE_TRACE_URL',
      traceUrl(),
      undefined,
      'Address of a trace, with {traceId} in it, for links of the console: https://jaeger.example/trace/{traceId}.',
    ),
  }),
  ...inGroup('admin', {
    adminPort: setting(
      'CORE_ADMIN_PORT',
      port(),
      '8090',
      'Port of the private listener: the console at /, /api, /metrics, /livez, /readyz.',
    ),
    adminHost: setting(
      'CORE_ADMIN_HOST',
      word(),
      '127.0.0.1',
      'Address of the private listener. Any but a loopback address opens it to the network.',
    ),
    adminToken: secret(
      'CORE_ADMIN_TOKEN',
      token(),
      undefined,
      'Bearer token for everything on the private listener but /metrics, /livez and /readyz.',
    ),
  }),
} as const satisfies Settings;

export type Config = Parsed<typeof settings>;

/**
One table of the core's settings and every trigger's, for reading, help, README and redaction.

@throws TypeError when two of them have a setting with one key, or one variable for two settings
*/
export function joinSettings(triggers: Readonly<Record<string, {settings: Settings}>>): Settings {
  const tables = [
    ['the core', settings] as const,
    ...Object.entries(triggers).map(([name, trigger]) => [`the trigger ${name}`, trigger.settings] as const),
  ];
  const joined: Record<string, Settings[string]> = {};
  const owners = new Map<string, string>();
  for (const [owner, table] of tables) {
    for (const [key, entry] of Object.entries(table)) {
      for (const claimed of [`the key \`${key}\``, `the variable ${entry.name}`]) {
        const other = owners.get(claimed);
        if (other !== undefined) throw new TypeError(`Expected one setting with ${claimed}, got one of ${other} and one of ${owner}`);
        owners.set(claimed, owner);
      }
      joined[key] = entry;
    }
  }
  return joined;
}

/** Where state belongs (XDG Base Directory Specification); undefined when neither setting nor home is known. */
export function dataDirOf({dataDir}: Pick<Config, 'dataDir'>, {XDG_STATE_HOME, HOME}: Environment): string | undefined {
  if (dataDir !== undefined) return dataDir;
  if (XDG_STATE_HOME?.startsWith('/')) return `${XDG_STATE_HOME}/core-runtime`; // a relative one is to be ignored
  return HOME ? `${HOME}/.local/state/core-runtime` : undefined;
}

/** Reads the core's own settings. @throws ConfigurationError */
export function parseConfig(env: Environment): Config {
  return parseSettings(settings, env);
}

/** Only http and https, as a browser follows it. */
function traceUrl() {
  const isOne = (given: string) => given.includes('{traceId}') && /^https?:/.test(given) && URL.canParse(given);
  return v.pipe(v.string(), v.check(isOne, 'expected a URL with scheme https or http, and {traceId} in it'));
}

/** A JSON list of a program and its arguments. */
function commandLine() {
  const read = (given: string) => attempt(() => JSON.parse(given) as unknown);
  const isWord = (word: unknown) => typeof word === 'string' && !word.includes('\0');
  const isOne = (list: unknown) => Array.isArray(list) && list.every(isWord) && list[0] !== '' && list.length > 0;
  return v.pipe(
    v.string(),
    v.check(given => isOne(read(given)), 'expected a JSON list of a program and its arguments, such as ["node","server.js"]'),
    v.transform(given => read(given) as [string, ...string[]]), // as was checked
  );
}

function absolutePath() {
  return v.pipe(
    v.string(),
    v.check(given => given.startsWith('/'), 'expected an absolute path'),
  );
}

/** An IPv6 address loses its brackets: they belong to URLs. */
function loopback() {
  return v.pipe(
    v.string(),
    v.transform(given => given.replace(/^http:\/\//, '').replace(/\/$/, '')),
    v.transform(host => (host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'))),
    v.check(host => host === '::1' || (host.startsWith('127.') && isIPv4(host)), 'expected a loopback address such as 127.0.0.1'),
  );
}
