import {randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {Clock} from '../clock.ts';
import {ConfigurationError, Fault} from '../errors.ts';
import type {Fact} from '../facts.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {FunctionSpec, Runtimes, StartRecord} from '../runtime.ts';
import type {LifecycleState} from './lifecycle.ts';
import {Pool} from './pool.ts';
import {accepts, freePort} from './port.ts';
import {Supervisor} from './supervisor.ts';
import {Upstream} from './upstream.ts';

export interface WorkersOptions {
  readonly spec: FunctionSpec;
  /** What the user's environment gives the function; the contract's variables are added here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly concurrency: number | undefined;
  readonly queueLength: number;
  readonly queueWaitMs: number;
  readonly startTimeoutMs: number;
  readonly timeoutMs: number;
  readonly maxReplyBytes: number;
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
  state(): LifecycleState;
  isUp(): boolean;
  residentBytes(): number | undefined;
  /** Refuses whoever waits and breaks off what is in flight: the grace time of a stop is over. */
  cutOff(): void;
  /** Ends the sub-runtime at once, for an exit that cannot wait. */
  kill(): void;
}

/** The child's descriptor on which our bridges report. */
const bridgeDescriptor = 3;

/**
Starts the sub-runtime and the pool in front of it; calls may come before it is ready.

@throws ConfigurationError when its port is taken
*/
export async function openWorkers(options: WorkersOptions, house: WorkersHouse): Promise<Workers> {
  const {spec, host, concurrency = spec.command.concurrency} = options;
  const port = options.port === 0 ? await freePort(host) : options.port;
  if (await accepts(host, port))
    throw new ConfigurationError([`SCW_UPSTREAM_PORT: expected a free port, but something listens on ${port}`]);

  const bridgeToken = randomBytes(24).toString('base64url');
  const pool = new Pool({...options, concurrency, address: {host, port}}, house.clock, house.meter);
  const supervisor = new Supervisor(
    {
      command: spec.command,
      environment: {
        ...options.environment,
        SCW_UPSTREAM_HOST: host,
        SCW_UPSTREAM_PORT: String(port),
        SCW_HANDLER_PATH: spec.handlerPath,
        SCW_HANDLER_NAME: spec.handlerName,
        CORE_BRIDGE_TOKEN: bridgeToken,
        CORE_BRIDGE_FD: String(bridgeDescriptor),
        CORE_CONCURRENCY: String(concurrency),
      },
      host,
      port,
      startTimeoutMs: options.startTimeoutMs,
    },
    {
      facts: house.facts,
      line: house.line,
      ready(start) {
        const upstream = new Upstream({...options, host, port, connections: concurrency, bridgeToken}, house.clock);
        house.started(start, pool.open(upstream, start));
      },
      notReady: start => house.started(start, false),
      lost: reason => pool.lose(new Fault('UPSTREAM_LOST', {message: `${reason} during the call`})),
      gaveUp: () => pool.close(() => new Fault('POOL_GAVE_UP', {retryAfterS: 60})),
    },
    house,
  );
  supervisor.start();

  return {
    runtimes: pool,
    state: () => supervisor.state,
    isUp: () => pool.isReady,
    residentBytes: () => (supervisor.pid === undefined ? undefined : residentBytes(supervisor.pid)),
    cutOff() {
      const reason = () => new Fault('DRAINING', {retryAfterS: 1});
      pool.close(reason);
      pool.lose(reason());
    },
    kill: () => supervisor.kill(),
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
  };
}

/** Linux tells it in /proc; elsewhere it stays unknown. */
function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
