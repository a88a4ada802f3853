import {randomBytes} from 'node:crypto';
import type {Clock} from '../clock.ts';
import {ConfigurationError, Fault} from '../errors.ts';
import type {Fact} from '../facts.ts';
import {shareDescriptors} from '../limits/descriptors.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {FunctionSpec, Runtimes, StartRecord} from '../runtime.ts';
import {loadClient, Upstream} from './hop/http.ts';
import {openOomCounter} from './memory/cgroup.ts';
import {residentBytes} from './memory/resident.ts';
import {logBytesPerSecond} from './output/budget.ts';
import {Pool} from './pool/pool.ts';
import type {LifecycleState} from './process/lifecycle.ts';
import {OrphanKiller} from './process/orphans.ts';
import {accepts} from './process/port.ts';
import {restartPolicy} from './process/restart-policy.ts';
import {Supervisor} from './process/supervisor.ts';

export interface WorkersOptions {
  readonly spec: FunctionSpec;
  /** What the user's environment gives the function; the contract's variables are added here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  /** Of the first sub-runtime; 0: any free one. */
  readonly port: number;
  /** Sub-runtimes kept running. */
  readonly workers: number;
  readonly concurrency: number | undefined;
  readonly queueLength: number;
  readonly queueWaitMs: number;
  /** Longest time of a call. */
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
  /** Exits within the period of the policy after which a sub-runtime is started again with the usual back-off. */
  readonly restarts: number;
  readonly maxReplyBytes: number;
  readonly user: {readonly uid: number; readonly gid: number} | undefined;
  readonly memoryBytes: number | undefined;
}

export interface WorkersHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  facts(facts: readonly [Fact, ...Fact[]]): void;
  line(line: FunctionLine): void;
  /** A start is over. `told`: an invocation that waited for it carries the record on. */
  started(record: StartRecord, told: boolean): void;
}

export interface Workers extends AsyncDisposable {
  readonly runtimes: Runtimes;
  /** Of every place in the pool. */
  states(): readonly LifecycleState[];
  /** Processes that exist, of every place in the pool: two at most. */
  processes(): readonly number[];
  /** Sub-runtimes that take calls. */
  ready(): number;
  isOverloaded(): boolean;
  residentBytes(): number;
  /** Lets newer code take over, one process after another. @returns undefined, or why the old code serves on */
  reload(): Promise<string | undefined>;
  /** Refuses whoever waits and breaks off what is in flight: the grace time of a stop is over. @returns how many waited */
  cutOff(): number;
  /** Ends every sub-runtime at once, for an exit that cannot wait. */
  kill(): void;
}

/** The child's descriptor on which our bridges report. */
const bridgeDescriptor = 3;

/**
Starts the sub-runtimes and the pool in front of them; calls may come before one is ready.

@throws ConfigurationError when the first one's port is taken
*/
export async function openWorkers(options: WorkersOptions, house: WorkersHouse): Promise<Workers> {
  const {spec, host, port, startTimeoutMs, user, memoryBytes} = options;
  const wanted = options.concurrency ?? spec.command.concurrency;
  // Each call holds a descriptor: what this process cannot open it lets wait.
  const concurrency = Math.min(wanted, Math.max(1, Math.floor(shareDescriptors().calls / options.workers)));
  if (port !== 0 && (await accepts(host, port))) {
    throw new ConfigurationError([`SCW_UPSTREAM_PORT: expected a free port, but something listens on ${port}`]);
  }
  if (concurrency < wanted)
    house.log.warn(
      {concurrency},
      `Calls at a time in one sub-runtime: ${concurrency} instead of ${wanted}, as the process may open few descriptors`,
    );
  const isForeign = spec.command.readiness === 'port';
  const bridgeToken = randomBytes(24).toString('base64url');
  const pool = new Pool(options, house.clock, house.meter);
  const orphanKiller = new OrphanKiller({mark: `CORE_BRIDGE_TOKEN=${bridgeToken}`, clock: house.clock, log: house.log});
  const ooms = openOomCounter();
  const environment = (childPort: number) => ({
    ...options.environment,
    SCW_UPSTREAM_HOST: host,
    SCW_UPSTREAM_PORT: String(childPort),
    SCW_HANDLER_PATH: spec.handlerPath,
    SCW_HANDLER_NAME: spec.handlerName,
    CORE_BRIDGE_TOKEN: bridgeToken,
    CORE_BRIDGE_FD: String(bridgeDescriptor),
    CORE_CONCURRENCY: String(wanted),
  });
  const supervisors = Array.from(
    {length: options.workers},
    (_, index) =>
      new Supervisor(
        {
          child: {command: spec.command, host, startTimeoutMs, user, memoryBytes},
          environment,
          upstream: (childPort, socket) =>
            new Upstream({...options, host, port: childPort, socket, connections: concurrency, bridgeToken, isForeign}, house.clock),
          preferredPort: index === 0 ? port : 0,
          concurrency,
          timeoutMs: options.timeoutMs,
          policy: {...restartPolicy, exitsAllowed: options.restarts},
        },
        {...house, pool, ooms, orphanKiller, linesDropped, functionServedAt, gaveUp},
      ),
  );
  await Promise.all(supervisors.map(supervisor => supervisor.start()));
  loadClient(); // while they boot
  let reloading = false;

  return {
    runtimes: pool,
    states: () => supervisors.map(({state}) => state),
    processes: () => supervisors.map(({pids}) => pids.length),
    ready: () => pool.size,
    isOverloaded: () => pool.isOverloaded,
    residentBytes: () => supervisors.flatMap(({pids}) => pids).reduce((sum, pid) => sum + residentBytes(pid), 0),
    async reload() {
      if (reloading) return 'a reload is under way already';
      reloading = true;
      try {
        for (const [done, supervisor] of supervisors.entries()) {
          const problem = await supervisor.reload();
          if (problem === undefined) continue;
          return done === 0 ? problem : `${problem}; ${done} of ${supervisors.length} sub-runtimes have the newer code`;
        }
        return undefined;
      } finally {
        reloading = false;
      }
    },
    cutOff() {
      const waited = pool.refuse(() => new Fault('DRAINING', {retryAfterS: 1}));
      for (const supervisor of supervisors) supervisor.kill();
      return waited;
    },
    kill() {
      for (const supervisor of supervisors) supervisor.kill();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(supervisors.map(supervisor => supervisor[Symbol.asyncDispose]()));
      orphanKiller[Symbol.dispose]();
    },
  };

  function linesDropped(lines: number): void {
    house.meter.linesDropped(lines);
    house.log.warn(
      {lines},
      `The function writes more than ${logBytesPerSecond / 2 ** 20} MiB a second, or faster than it is read: ${lines} lines were dropped`,
    );
  }

  function functionServedAt(): number | undefined {
    const times = supervisors.flatMap(({servedAt}) => servedAt ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** Nobody is left that could take a call soon. */
  function gaveUp(): void {
    if (supervisors.every(({state}) => state.phase === 'gave-up')) pool.refuse(() => new Fault('POOL_GAVE_UP', {retryAfterS: 60}));
  }
}
