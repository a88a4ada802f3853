import {randomUUID} from 'node:crypto';
import {availableParallelism} from 'node:os';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {triggers} from '../../triggers/index.ts';
import {openAdmin} from '../admin/app.ts';
import {isLoopback} from '../admin/caller.ts';
import {type Readiness, readinessOf, worst} from '../admin/readiness.ts';
import {scheduleRoutes} from '../admin/routes/schedules.ts';
import {type Clock, systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import type {Fact} from '../facts.ts';
import type {Journal, JournalWriter} from '../journal.ts';
import type {OpenedJournal} from '../journals/engine.ts';
import {defaultJournal, type JournalPlace, openJournal} from '../journals/index.ts';
import {Budget} from '../limits/budget.ts';
import type {Log} from '../log.ts';
import {openLog} from '../observe/log.ts';
import {type DrainReport, linesLostIn, openMetrics} from '../observe/metrics/metrics.ts';
import type {Family} from '../observe/metrics/open-metrics.ts';
import {tellLost} from '../observe/traces/lost.ts';
import {passingSpans, type Spans} from '../observe/traces/spans.ts';
import type {Telemetry, TelemetryHouse} from '../observe/traces/telemetry.ts';
import {doubtsOf, wantsTelemetry} from '../observe/traces/wanted.ts';
import type {FunctionSpec, StartRecord} from '../runtime.ts';
import {type Config, dataDirOf, joinSettings, parseConfig} from '../settings/config.ts';
import {checkNames, childEnvironment} from '../settings/environment.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import type {House} from '../trigger.ts';
import {version} from '../version.ts';
import {openWorkers} from '../workers/index.ts';
import {OrphanKiller} from '../workers/process/orphans.ts';
import {accepts} from '../workers/process/port.ts';
import {resolveUser} from '../workers/process/user.ts';
import {composeStages} from './chain.ts';
import {type OpenDoors, openDoors} from './doors.ts';
import {Drain} from './drain.ts';
import {openKeys} from './keys.ts';
import {codeLoaded, configLoaded} from './provenance.ts';
import {leaderName, Siblings} from './siblings/lead.ts';

export interface Served {
  readonly spec: FunctionSpec;
  readonly isPublic: boolean;
  /** Where the function answers. */
  readonly url: string;
  /** Where the private listener does. */
  readonly adminUrl: string;
  readonly log: Log;
  /** The first start of the sub-runtime, once it is over, well or badly. */
  readonly started: Promise<StartRecord>;
  readiness(): Readiness;
  families(): Promise<readonly Family[]>;
  /** What became of the events since the stop began; before that, what is in flight, as lost. */
  drainReport(): DrainReport;
  /** Takes no new work, lets what is in flight finish within the grace time, ends the sub-runtime. */
  stop(): Promise<void>;
  /** Lets the code of now take over from the code that serves. @returns undefined, or why it did not */
  reload(): Promise<string | undefined>;
  /** Ends the sub-runtime without waiting for anything. */
  abandon(): void;
}

export interface ServeOptions {
  readonly clock?: Clock;
  /** Log lines for people instead of JSON. */
  readonly pretty?: boolean;
  /** Another process of this core leads: it owns the journal, the private port and the schedules. */
  readonly leader?: {journal(shed: (facts: number) => void): JournalWriter & AsyncDisposable};
}

/**
Opens everything in order: the sub-runtime first, as it takes longest, the public port last. Closing goes the other way.

@throws ConfigurationError when the environment does not describe a function that can be served
*/
export async function serve(env: Environment, {clock = systemClock, pretty = false, leader}: ServeOptions = {}): Promise<Served> {
  const table = joinSettings(triggers);
  parseSettings(table, env); // so that one message lists the problems of every part
  const warnings = checkNames(table, env);
  const {processes, config} = shareOf(parseConfig(env));
  const section = parseSettings(triggers.http.settings, env);
  const spec = resolveFunction(config);
  if (spec.command.readiness === 'report' && config.upstreamHost !== '127.0.0.1') {
    throw new ConfigurationError([`SCW_UPSTREAM_HOST: expected 127.0.0.1, where our bridges listen, got \`${config.upstreamHost}\``]);
  }
  // Bridges read a number of bytes, not a size such as 6MiB.
  const environment = {...childEnvironment(table, env), SCW_PAYLOAD_MAX_SIZE: String(section.payloadMaxBytes)};

  await using opening = new AsyncDisposableStack();
  const log = opening.use(await openLog({level: config.logLevel, pretty, clock, onDropped: lines => metrics.meter.linesDropped(lines)}));
  // The leader has the same settings, and has said it.
  const warn = (doubt: string) => (leader ? undefined : log.warn({}, doubt));
  for (const warning of warnings) warn(warning);
  if (process.pid === 1) log.warn({}, 'Running as PID 1: orphans of the function are not reaped; start under an init such as `tini -g --`');
  const budget = new Budget(config.inflightBytes, clock);
  let drain: Drain | undefined;
  let graceEndsAt = 0;
  let siblings: Siblings | undefined;
  opening.defer(async () => {
    await siblings?.stop();
    await log.drain(Math.min(longestDrainMs, Math.max(0, graceEndsAt - clock.monotonic()) + shortestDrainMs));
    if (!drain) return log.info({}, 'Stopped'); // the start failed: not everything that is measured is there
    const families = [await metrics.families(), ...((await siblings?.families()) ?? [])];
    log.info({...drain.report(siblings?.drained()), linesLost: linesLostIn(families.flat())}, 'Stopped');
  });

  // Registered before the sub-runtime, so that its exits are facts too; opened after it, as it starts longer.
  let opened: {readonly journal: JournalWriter & AsyncDisposable; readonly isDurable: boolean} | undefined;
  opening.defer(() => opened?.journal[Symbol.asyncDispose]());
  const early: (readonly [Fact, ...Fact[]])[] = [];
  const metrics = openMetrics(
    version,
    {
      // Log lines have a bound of their own: they never refuse a request.
      bytesHeld: kind => (kind === 'log' ? log.waitingBytes() : budget.bytesOf(kind)),
      isDurable: () => opened?.isDurable ?? false,
      // One that could not load its handler answers every call with the reason: that is no service.
      runtimesUp: () => Math.min(workers.ready(), workers.states().filter(({phase}) => phase === 'ready').length),
      runtimeProcesses: () => workers.processes(),
      runtimesResidentBytes: () => workers.residentBytes(),
      drain: () => drain?.report(siblings?.drained()),
      processesUp: () => 1 + (siblings?.serving ?? 0),
      others: () => siblings?.families(),
    },
    clock,
  );
  const {meter} = metrics;
  const keys = await openKeys(config, {env, clock, log, meter, warn});
  const instance = randomUUID();
  const telemetry = Promise.withResolvers<Spans>();
  const firstStart = Promise.withResolvers<StartRecord>();
  let sdk: Telemetry | undefined;
  const spansLost = tellLost(meter.spansDropped, log, clock);
  opening.defer(() => spansLost.close());
  // Registered before the sub-runtime: spans leave last, after those of the calls that the stop waited for.
  opening.defer(() => sdk?.[Symbol.asyncDispose]());

  const workers = opening.use(
    await openWorkers(workersOptions(config, spec, environment), {
      clock,
      log,
      meter,
      facts: facts => (opened ? opened.journal.record(`runtime.${instance}`, facts) : void early.push(facts)),
      line: line => log.function(line),
      started(record, told) {
        firstStart.resolve(record);
        if (!told) void telemetry.promise.then(spans => spans.spawned(record));
      },
    }),
  );
  const {schedules: fired} = parseSettings(triggers.cron.settings, env);
  let own: OpenedJournal | undefined;
  if (leader) opened = {journal: leader.journal(meter.shed), isDurable: true};
  else opened = own = await openJournal(placeOf(config, spec, env, fired.length > 0), {clock, log, meter});
  const {journal} = opened;
  journal.record(`runtime.${instance}`, [configLoaded(table, env, version), ...early.flat()]);
  await recordCode();
  if (wantsTelemetry(env)) {
    for (const doubt of doubtsOf(env)) warn(doubt);
    sdk = await loadTelemetry(config, instance, {env, clock, lost: spansLost.lost, log: log.of('opentelemetry')});
  }
  const spans = sdk?.spans ?? passingSpans;
  telemetry.resolve(spans);

  const readiness = () => readinessOf(workers, drain !== undefined);
  const admin = own && opening.use(await openPrivate(own.journal));
  if (processes > 1 && !leader) {
    await refuseTaken(section.port);
    const mark = `${leaderName}=${instance}`;
    const orphanKiller = opening.use(new OrphanKiller({mark, clock, log}));
    siblings = new Siblings(
      {count: processes - 1, env: {...env, [leaderName]: instance}, graceMs: config.graceMs, reloadMs: reloadMsOf(config)},
      {clock, log, journal, orphanKiller, line: log.pass, lineTorn: () => meter.linesDropped(1), restarted: meter.processRestarted},
    );
    opening.use(siblings);
  }

  let doors: OpenDoors | undefined;
  const hurry = new AbortController();
  const stages = composeStages({config, spec, runtimes: workers.runtimes, journal, keys, spans, metrics, log, clock});
  const [isShared, closesLast] = [processes > 1, processes > 1 && !leader];
  const house: House = {
    ...stages,
    hurry: hurry.signal,
    isShared,
    closesLast,
    budget,
    clock,
    log,
    meter,
  };
  // The journal has one owner: another core that held a claim is gone.
  const claiming = own && {...house, journal: own.journal, core: instance, leaseMs: 0};
  doors = opening.use(await (claiming ? openDoors(triggers, env, claiming) : openDoors({http: triggers.http}, env, house)));
  await siblings?.start({PORT: new URL(doors.url).port, SCW_UPSTREAM_PORT: '0'});
  const adminUrl = admin?.url ?? '';
  if (!leader) log.info({url: doors.url, admin: adminUrl, language: spec.language, handler: spec.handlerPath}, 'Listening');

  const open = opening.move();
  let stopped: Promise<void> | undefined;
  return {
    spec,
    isPublic: config.isPublic,
    url: doors.url,
    adminUrl,
    log,
    started: firstStart.promise,
    readiness,
    families: () => metrics.families(),
    drainReport: () => (drain ?? new Drain(metrics)).report(),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    reload,
    abandon() {
      siblings?.kill();
      workers.kill();
      log.abandon();
    },
  };

  async function reload(): Promise<string | undefined> {
    if (drain) return 'the runtime is shutting down';
    const problem = (await workers.reload()) ?? (await siblings?.reload());
    if (problem === undefined) {
      await recordCode();
      log.info({}, 'Reloaded: the code of now serves');
    } else log.error({cause: problem}, 'Not reloaded: the code of before serves on');
    return problem;
  }

  /** The private listener; it speaks for every process of this core. */
  async function openPrivate(journal: Journal): Promise<AsyncDisposable & {url: string}> {
    const {adminHost: host, adminPort: port, adminToken: token} = config;
    const routes = scheduleRoutes(() => doors?.schedules);
    const ofAll = async () => worst([readiness(), ...((await siblings?.readiness()) ?? [])]);
    const opened = await openAdmin({host, port, token, metrics, readiness: ofAll, reload, routes, journal, budget, clock, log});
    if (!isLoopback(host)) {
      const open =
        token === undefined
          ? 'only /metrics, /livez and /readyz, as CORE_ADMIN_TOKEN is not set'
          : 'everything to whoever has CORE_ADMIN_TOKEN';
      log.warn({host}, `The private listener is open beyond this machine and serves ${open}`);
    }
    return opened;
  }

  async function recordCode(): Promise<void> {
    const fact = await codeLoaded(spec.handlerPath);
    if (fact) journal.record(`runtime.${instance}`, [fact]);
  }

  async function stop(): Promise<void> {
    drain = new Drain(metrics);
    graceEndsAt = clock.monotonic() + config.graceMs;
    void siblings?.stop(); // all drain at once
    log.info({graceMs: config.graceMs}, 'Stopping');
    const stopTimer = clock.after(config.graceMs, () => {
      drain?.cutOff();
      hurry.abort();
      workers.cutOff();
    });
    await open.disposeAsync();
    stopTimer();
  }
}

/** At a stop, log lines that stdout has not taken are waited for within the grace time, at least and at most so long. */
const shortestDrainMs = 1000;
const longestDrainMs = 4000;

/** The processes of this core, and what of the settings is one's own share. */
function shareOf(config: Config): {processes: number; config: Config} {
  const processes = config.processes === 'auto' ? availableParallelism() : config.processes;
  const share = (all: number) => Math.ceil(all / processes);
  return {processes, config: {...config, workers: share(config.workers), inflightBytes: share(config.inflightBytes)}};
}

/** The longest time that a process needs to reload: its sub-runtimes start one after the other. */
const reloadMsOf = ({workers, startTimeoutMs}: Config) => workers * startTimeoutMs + 10_000;

/** Processes that share a port would share it with a stranger, too. */
async function refuseTaken(port: number): Promise<void> {
  if (port !== 0 && (await accepts('127.0.0.1', port))) {
    throw new ConfigurationError([`PORT: expected a free port, but something listens on ${port}`]);
  }
}

function workersOptions(config: Config, spec: FunctionSpec, environment: Record<string, string>) {
  const {upstreamHost: host, upstreamPort: port, responseMaxBytes, childMemoryBytes: memoryBytes, childUser} = config;
  const user = childUser === undefined ? undefined : resolveUser(childUser);
  // On the hop a byte may be written as six (`\u0000`), and the envelope stands around it.
  return {...config, spec, environment, host, port, memoryBytes, user, maxReplyBytes: 6 * responseMaxBytes + 2 ** 20};
}

/** @param mustLast somebody relies on it: a schedule */
function placeOf(config: Config, spec: FunctionSpec, env: Environment, mustLast: boolean): JournalPlace {
  const {journal: location, factsKeptMs, payloadsKeptMs, timeoutMs, journalBytes: maxBytes} = config;
  const dataDir = dataDirOf(config, env);
  const fallback = dataDir === undefined ? undefined : defaultJournal(dataDir, spec);
  // Counted from the first fact of an invocation, which is its longest time before the last.
  const retention = {factsMs: factsKeptMs + timeoutMs, payloadsMs: payloadsKeptMs + timeoutMs, maxBytes};
  return {location, fallback, mustLast, retention};
}

async function loadTelemetry(config: Config, instance: string, house: TelemetryHouse): Promise<Telemetry> {
  const {openTelemetry} = await import('../observe/traces/telemetry.ts');
  const {applicationVersion: functionVersion, applicationMemory} = config;
  return openTelemetry({functionName: nameOf(config), functionVersion, instance, memoryBytes: applicationMemory * 2 ** 20}, house);
}

const nameOf = ({applicationName}: Config) => applicationName || 'function';
