import {randomBytes} from 'node:crypto';
import {Fault, PortTaken} from '../errors.ts';
import type {Hop} from '../hop/hop.ts';
import {memoryLimit} from '../limits/container.ts';
import {shareDescriptors} from '../limits/descriptors.ts';
import {freeMemory} from '../limits/free-memory.ts';
import type {Log} from '../log.ts';
import {environmentOf} from './environment.ts';
import {loadClient, Upstream, type UpstreamOptions} from './hop/http.ts';
import {openOomCounter} from './memory/cgroup.ts';
import {residentBytes} from './memory/resident.ts';
import {logBytesPerSecond} from './output/budget.ts';
import {Pool} from './pool/pool.ts';
import {exposedAt} from './process/exposure.ts';
import {OrphanKiller} from './process/orphans.ts';
import {accepts} from './process/port.ts';
import {restartPolicy} from './process/restart-policy.ts';
import {Supervisor} from './process/supervisor.ts';
import {reloaderOf} from './reload.ts';
import type {Takeover, Workers, WorkersHouse, WorkersOptions} from './workers.ts';

export {superseded} from './reload.ts';
export type {Takeover, Workers, WorkersHouse, WorkersOptions} from './workers.ts';

/**
Starts the sub-runtimes and the pool in front of them; calls may come before a sub-runtime is ready.

@throws PortTaken when the port of the first sub-runtime is taken
*/
export async function openWorkers(options: WorkersOptions, house: WorkersHouse): Promise<Workers> {
  const bridgeToken = randomBytes(24).toString('base64url');
  await requireFree(options.host, options.port);
  const mostConnections = Math.max(1, Math.floor(shareDescriptors().calls / options.workers));
  const concurrency = affordableConcurrency(options, mostConnections, house.log);
  const pool = new Pool(options, house.clock, house.meter);
  const orphanKiller = new OrphanKiller({mark: `CORE_BRIDGE_TOKEN=${bridgeToken}`, clock: house.clock, log: house.log});
  const ooms = openOomCounter();
  let {environment} = options;
  const limitBytes = memoryLimit();
  const places = Array.from({length: options.workers}, (_, index) => openPlace(index === 0 ? options.port : 0));
  await Promise.all(places.map(place => place.start()));
  if (isCalledOverHttp(options)) loadClient(); // while they boot
  const takeOver = reloaderOf(places);

  return {
    runtimes: pool,
    states: () => places.map(({state}) => state),
    environment: () => environment,
    places: () => places.map(({view}) => view),
    processes: () => places.map(({pids}) => pids.length),
    ready: () => pool.size,
    isOverloaded: () => pool.isOverloaded,
    residentBytes: () => places.flatMap(({pids}) => pids).reduce((sum, pid) => sum + residentBytes(pid), 0),
    reload(takeover: Takeover = {}) {
      environment = takeover.environment ?? environment;
      return takeOver(takeover.supersedes);
    },
    cutOff() {
      const waited = pool.refuse(() => new Fault('DRAINING', {retryAfterS: 1}));
      kill();
      return waited;
    },
    kill,
    async [Symbol.asyncDispose]() {
      await Promise.all(places.map(place => place[Symbol.asyncDispose]()));
      orphanKiller[Symbol.dispose]();
    },
  };

  function openPlace(preferredPort: number): Supervisor {
    const {spec, host, hop, startTimeoutMs, user, memoryBytes, maxReplyBytes, timeoutMs, restarts} = options;
    const isForeign = spec.command.readiness === 'port';
    return new Supervisor(
      {
        child: {command: spec.command, host, startTimeoutMs, user, memoryBytes, hasCalls: hop === 'auto'},
        environment: port => environmentOf({...options, environment}, port, bridgeToken),
        upstream: (port, connections) => openHop({...options, host, port, connections, bridgeToken, isForeign}),
        preferredPort,
        maxReplyBytes,
        concurrency,
        isConcurrencySet: options.concurrency !== undefined,
        mostConnections,
        timeoutMs,
        policy: {...restartPolicy, exitsAllowed: restarts},
      },
      {...house, pool, ooms, orphanKiller, linesDropped, mayServe, functionServedAt, freeBytes, gaveUp},
    );
  }

  function openHop(at: UpstreamOptions): Hop {
    return options.protocol.openHop?.(at, house.clock) ?? new Upstream(at, house.clock);
  }

  function kill(): void {
    for (const place of places) place.kill();
  }

  function linesDropped(lines: number): void {
    house.meter.linesDropped(lines);
    house.log.warn(
      {lines},
      `The function writes more than ${logBytesPerSecond / 2 ** 20} MiB a second, or faster than it is read: ${lines} lines were dropped`,
    );
  }

  /** A server that listens beyond loopback answers callers whom nobody has let in. */
  function mayServe(port: number): boolean {
    const address = exposedAt(port);
    if (address === undefined) return true;
    const {refusesExposed} = options;
    const remedy = refusesExposed
      ? 'it is ended, as the function is private. Have it listen on HOST, or set CORE_UPSTREAM_EXPOSED=allow'
      : 'have it listen on HOST';
    house.log[refusesExposed ? 'error' : 'warn'](
      {address, port},
      `The server listens beyond loopback, where callers reach it past the core: ${remedy}`,
    );
    return !refusesExposed;
  }

  function functionServedAt(): number | undefined {
    const times = places.flatMap(({servedAt}) => servedAt ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  function freeBytes(): number {
    return freeMemory() - Math.min(limitBytes / 16, mostReservedBytes);
  }

  /** When every place is given up, no sub-runtime will take a call soon. */
  function gaveUp(): void {
    if (places.every(({state}) => state.phase === 'gave-up')) pool.refuse(() => new Fault('POOL_GAVE_UP', {retryAfterS: 60}));
  }
}

/** A sixteenth of the memory, and no more than this, stays for what calls need when a spare is started. */
const mostReservedBytes = 128 * 2 ** 20;

/** Our own bridges are on the channel: what calls over HTTP is not even loaded for them. */
const isCalledOverHttp = ({hop, protocol, spec}: WorkersOptions) =>
  protocol.openHop === undefined && (hop === 'http' || spec.command.readiness === 'port');

async function requireFree(host: string, port: number): Promise<void> {
  if (port !== 0 && (await accepts(host, port))) {
    throw new PortTaken('SCW_UPSTREAM_PORT', port);
  }
}

/** Each call holds a descriptor. Calls for which this process could not open one wait in the queue. */
function affordableConcurrency({spec, concurrency: wanted = spec.command.concurrency}: WorkersOptions, most: number, log: Log): number {
  const affordable = Math.min(wanted, most);
  if (affordable < wanted)
    log.warn(
      {concurrency: affordable},
      `Calls at a time in one sub-runtime: ${affordable} instead of ${wanted}, as the process may open few descriptors`,
    );
  return affordable;
}
