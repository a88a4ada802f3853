import {triggers} from '../../triggers/index.ts';
import {openAdmin} from '../admin/app.ts';
import {isLoopback} from '../admin/caller.ts';
import {viewCore} from '../admin/core-view.ts';
import {type Readiness, readinessOf, worst} from '../admin/readiness.ts';
import type {Journal} from '../journal.ts';
import type {NamedHealth} from '../journals/open.ts';
import {figureNames} from '../observe/metrics/figures.ts';
import {Recent} from '../observe/recent/recent.ts';
import {aboutCore} from './about.ts';
import type {Core} from './core.ts';
import {triggerRoutes} from './doors.ts';
import {reloadCore} from './reload.ts';

/** Opens the private listener, which answers for every process of this core. */
export async function openPrivate(core: Core, journal: Journal): Promise<AsyncDisposable & {url: string}> {
  const {wanted, metrics, watched, budget, clock, log} = core;
  const {adminHost: host, adminPort: port, adminToken: token} = wanted.config;
  const readiness = async () => worst([readinessHere(core), ...((await watched.siblings?.readiness()) ?? [])]);
  const families = async () => [await metrics.some(figureNames), ...(watched.siblings?.lastFamilies() ?? [])];
  const recent = new Recent({clock, families});
  const startedAt = clock.now();
  const ending = new AbortController();
  const options = {
    host,
    port,
    token,
    recent,
    about: () => aboutCore(core, startedAt),
    processes: async () => [viewCore(core.workers.places(), true), ...((await watched.siblings?.processes()) ?? [])],
    settings: wanted,
    traceUrl: wanted.config.traceUrl,
    replay: async (id: string, signal: AbortSignal) => {
      const {replayOnce} = await import('../replay/once.ts');
      const environment = core.workers.environment(); // a reload may have brought another
      return replayOnce(id, {...wanted, environment, journal, clock}, AbortSignal.any([signal, ending.signal]));
    },
    metrics,
    readiness,
    reload: () => reloadCore(core),
    work: () => watched.work,
    routes: triggerRoutes(triggers, () => watched.doors),
    journal,
    core: core.instance,
    budget,
    clock,
    log,
  };
  await using opening = new AsyncDisposableStack();
  opening.use(recent);
  opening.defer(() => ending.abort());
  const {url} = opening.use(await openAdmin(options));
  if (!isLoopback(host)) {
    const open =
      token === undefined
        ? 'only /metrics, /livez and /readyz, as CORE_ADMIN_TOKEN is not set'
        : 'everything to callers that send CORE_ADMIN_TOKEN';
    log.warn({host}, `The private listener is open beyond this machine and serves ${open}`);
  }
  const open = opening.move();
  return {url, [Symbol.asyncDispose]: () => open.disposeAsync()};
}

/** Whether this process can take calls. */
export function readinessHere({workers, stop, facts, watched: {doors}}: Core): Readiness {
  const details = [doors?.detail(), journalDetail(facts.servers)].filter(detail => detail !== undefined);
  const detail = details.length > 0 ? details.join('; ') : undefined;
  return readinessOf(workers, stop.hasBegun, {problem: doors?.problem(), detail, isOpen: doors !== undefined});
}

/** While the journal is away, calls are answered without it, and work is refused. Without sync, receipts promise less. */
function journalDetail(servers: NamedHealth | undefined): string | undefined {
  if (!servers) return undefined;
  const {isConnected, problem, synced} = servers;
  if (!isConnected) return `the journal is away${problem === undefined ? '' : `: ${problem}`}`;
  if (!synced || synced.isSeen) return undefined;
  return `not all servers of the journal are seen to sync each write${synced.unseen.length > 0 ? `: ${synced.unseen.join(', ')}` : ''}`;
}
