import {triggers} from '../../triggers/index.ts';
import type {Readiness} from '../admin/readiness.ts';
import {type Clock, systemClock} from '../clock.ts';
import type {JournalWriter} from '../journal.ts';
import {type CoreJournal, openJournal, openShared} from '../journals/open.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {Observer} from '../observation.ts';
import type {DrainReport} from '../observe/metrics/metrics.ts';
import type {Family} from '../observe/metrics/open-metrics.ts';
import type {FunctionSpec, StartRecord} from '../runtime.ts';
import type {Sources} from '../settings/report.ts';
import type {Environment} from '../settings/setting.ts';
import {version} from '../version.ts';
import type {PlaceView} from '../workers/process/view.ts';
import {composeStages} from './chain.ts';
import {claimsOf} from './claims.ts';
import {type Core, openCore} from './core.ts';
import {besideLeader, besideWithJournal, doorOf, openDoors} from './doors.ts';
import {journalWish} from './journal-wish.ts';
import {openPrivate, readinessHere} from './private.ts';
import {configLoaded} from './provenance.ts';
import {type NewerCode, reloadCore} from './reload.ts';
import {openSiblings} from './siblings/open.ts';
import {readWanted} from './wanted.ts';
import {openWork} from './work.ts';

export interface Served {
  readonly spec: FunctionSpec;
  readonly isPublic: boolean;
  /** Where the function answers. */
  readonly url: string;
  /** Where the private listener answers. */
  readonly adminUrl: string;
  readonly log: Log;
  /** The first start of the sub-runtime, once it has succeeded or failed. */
  readonly started: Promise<StartRecord>;
  readiness(): Readiness;
  /** Which trigger an error is of that nothing caught; undefined when it is of the core. */
  originOf(error: unknown): string | undefined;
  families(): Promise<readonly Family[]>;
  /** The places of the pool. */
  places(): readonly PlaceView[];
  /** What became of the events since the stop began. Before that, what is in flight counts as lost. */
  drainReport(): DrainReport;
  /** Takes no new work, lets what is in flight finish within the grace time, ends the sub-runtime. */
  stop(): Promise<void>;
  /** Lets newer code take over. @returns undefined, or why the old code goes on serving */
  reload(newer?: NewerCode): Promise<string | undefined>;
  /** Ends the sub-runtime without waiting for anything. */
  abandon(): void;
}

export interface ServeOptions {
  readonly clock?: Clock;
  /** Is told what happens, in place of the log, which writes nothing then. */
  readonly observer?: Observer | undefined;
  /** Another process of this core leads: it owns the journal, the private port and the schedules. */
  readonly leader?: Leader;
  /** Where the variables come from, for those who read the settings. By default from the environment. */
  readonly sources?: Sources;
}

export interface Leader {
  journal(meter: Pick<Meter, 'shed' | 'payloadsShed'>): JournalWriter & AsyncDisposable;
}

/** Where callers find a core. */
interface Places {
  readonly url: string;
  readonly adminUrl: string;
}

/**
Opens everything in order: the sub-runtime first, as it takes longest, and the public port last. Closing is in reverse.

@throws ConfigurationError when the environment does not describe a function that can be served
*/
export async function serve(env: Environment, {clock = systemClock, observer, leader, sources}: ServeOptions = {}): Promise<Served> {
  const wanted = readWanted(env, sources);
  await using opening = new AsyncDisposableStack();
  const core = await openCore(wanted, {clock, observer, isQuiet: leader !== undefined}, opening);
  const places = leader ? await serveBeside(leader, core, opening) : await lead(core, opening);
  return served(core, places, opening.move());
}

/** Opens the parts that the leader alone has: the journal, the private listener and every trigger. Then it starts its siblings. */
async function lead(core: Core, opening: AsyncDisposableStack): Promise<Places> {
  const {wanted, log, facts, watched} = core;
  const opened = await openJournal(journalWish(wanted), journalHouse(core));
  facts.open(opened, configLoaded(wanted.table, wanted.env, version));
  await core.recordCode();
  const spans = await core.openSpans();
  const admin = opening.use(await openPrivate(core, opened.journal));
  const isShared = wanted.processes > 1;
  if (isShared) watched.siblings = await openSiblings(core, opened.journal, opening);
  const {hall, work} = await openWork(core, opened, spans);
  watched.work = hall;
  const stages = composeStages({
    ...core,
    work,
    config: wanted.config,
    protocol: wanted.protocol,
    spec: wanted.spec,
    runtimes: core.workers.runtimes,
    journal: opened.journal,
    spans,
    namedAs: nameIn(core, opened),
  });
  const house = {...stages, ...lentBy(core), ...claimsOf(core, opened, hall), isShared, closesLast: isShared};
  const doors = opening.use(await openDoors(triggers, wanted.env, house));
  watched.doors = doors;
  await watched.siblings?.start({PORT: new URL(doors.url).port, SCW_UPSTREAM_PORT: '0'});
  const {language, handlerPath: handler} = wanted.spec;
  const {limitBytes, inflightBytes, journalBytes, logBytes, coreBytes} = wanted.shares;
  const memory = {limitBytes, inflightBytes, journalBytes, logBytes, coreBytes};
  log.info({url: doors.url, admin: admin.url, language, handler, memory}, 'Listening');
  return {url: doors.url, adminUrl: admin.url};
}

/** Opens the triggers of a sibling that share a port with the leader's. The leader does the rest. */
async function serveBeside(leader: Leader, core: Core, opening: AsyncDisposableStack): Promise<Places> {
  const {wanted, metrics, facts, watched} = core;
  // One that several cores share needs no leader, which would be one more way to go.
  const shared = await openShared(journalWish(wanted), journalHouse(core));
  const journal = shared?.journal ?? leader.journal(metrics.meter);
  facts.open(shared ?? {journal, isDurable: true}, configLoaded(wanted.table, wanted.env, version));
  await core.recordCode();
  const spans = await core.openSpans();
  const {hall, work} = shared ? await openWork(core, shared, spans) : {};
  watched.workBeside = hall;
  const stages = composeStages({
    ...core,
    work,
    config: wanted.config,
    protocol: wanted.protocol,
    spec: wanted.spec,
    runtimes: core.workers.runtimes,
    journal,
    spans,
    namedAs: shared && nameIn(core, shared),
  });
  const house = {...stages, ...lentBy(core), isShared: true, closesLast: false};
  const doors = opening.use(
    shared
      ? await openDoors(besideWithJournal(triggers), wanted.env, {...house, ...claimsOf(core, shared, hall)})
      : await openDoors(besideLeader(triggers), wanted.env, house),
  );
  watched.doors = doors;
  return {url: doors.url, adminUrl: ''};
}

/** This boot, as facts name it that could be of other cores. */
const nameIn = ({instance}: Core, {cores}: Pick<CoreJournal, 'cores'>) => (cores.leaseMs > 0 ? instance : undefined);

const journalHouse = ({wanted, clock, log, metrics: {meter}, instance}: Core) =>
  ({clock, log, meter, memoryBytes: wanted.shares.journalBytes, core: instance}) as const;

/** The parts of the core that every trigger may use. */
const lentBy = ({wanted: {protocol}, stop, budget, clock, log, metrics: {meter}}: Core) =>
  ({kinds: Object.keys(triggers), ...doorOf(protocol), hurry: stop.hurry, budget, clock, log, meter}) as const;

function served(core: Core, places: Places, open: AsyncDisposableStack): Served {
  const {wanted, log, metrics, watched, workers, starts, stop} = core;
  let stopped: Promise<void> | undefined;
  return {
    ...places,
    spec: wanted.spec,
    isPublic: wanted.config.isPublic,
    log,
    started: starts.first,
    readiness: () => readinessHere(core),
    originOf: error => watched.doors?.originOf(error),
    families: () => metrics.families(),
    places: () => workers.places(),
    drainReport: () => stop.account(),
    stop() {
      stopped ??= close();
      return stopped;
    },
    reload: newer => reloadCore(core, newer),
    abandon() {
      watched.siblings?.kill();
      workers.kill();
      log.abandon();
    },
  };

  async function close(): Promise<void> {
    const {graceMs} = wanted.config;
    const stopTimer = stop.begin(graceMs, () => workers.cutOff());
    void watched.siblings?.stop(); // all drain at once
    log.info({graceMs}, 'Stopping');
    await open.disposeAsync();
    stopTimer();
  }
}
