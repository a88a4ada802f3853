import type {CoreView} from '../../admin/core-view.ts';
import type {Readiness} from '../../admin/readiness.ts';
import type {ExitReason} from '../../facts.ts';
import type {Log} from '../../log.ts';
import type {DrainReport} from '../../observe/metrics/metrics.ts';
import type {Family} from '../../observe/metrics/open-metrics.ts';
import {countersOf, sumFamilies} from '../../observe/metrics/sum.ts';
import {type SiblingEnd, type SiblingHouse, SiblingProcess} from './process.ts';

/** The variable that names, for a sibling, the boot of its leader. The orphan killer knows siblings by it; the function does not see it. */
export const leaderName = 'CORE_RUNTIME_LEADER';

export interface SiblingsOptions {
  readonly count: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly graceMs: number;
  /** Longest time that one of them needs to reload. */
  readonly reloadMs: number;
}

export interface SiblingsHouse extends SiblingHouse {
  readonly log: Log;
  /** One of them has ended without being asked to, and is started again. */
  restarted(reason: ExitReason): void;
  /** Ends the siblings when this process ends, in whatever way. */
  readonly orphanKiller: {watch(group: number): void; forget(group: number): void};
}

/** How long after its end a sibling is started again, and the longest such time. */
const againMs = 200;
const longestAgainMs = 10_000;
/** When a sibling has run for this long, its next start waits as short a time as the first did. */
const stableMs = 30_000;
/** How long after its grace time a sibling that has not ended is killed. */
const lateMs = 5000;

/** The core processes beside this one, which leads: all serve one port. */
export class Siblings implements AsyncDisposable {
  readonly #options: SiblingsOptions;
  readonly #house: SiblingsHouse;
  readonly #all = new Set<SiblingProcess>();
  readonly #stopping = new AbortController();
  /** What the siblings that are gone had counted. */
  #counted: readonly Family[] = [];
  /** What became of the events of the siblings that have ended since the stop began. */
  readonly #drained: DrainReport[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: SiblingsOptions, house: SiblingsHouse) {
    this.#options = options;
    this.#house = house;
  }

  /** How many of them serve. */
  get serving(): number {
    return [...this.#all].filter(({isServing}) => isServing).length;
  }

  /** Starts them. Resolves when every one of them listens, or has ended. */
  async start(env: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all(Array.from({length: this.#options.count}, () => this.#keepOne({...this.#options.env, ...env})));
  }

  async readiness(): Promise<readonly Readiness[]> {
    const missing = Array.from({length: this.#options.count - this.#all.size}, () => again);
    return [...(await Promise.all([...this.#all].map(sibling => sibling.readiness()))), ...missing];
  }

  /** What all of them have counted. One that is late counts as it last did; one that is gone keeps its counters. */
  async families(): Promise<readonly (readonly Family[])[]> {
    await Promise.all([...this.#all].map(sibling => sibling.refresh()));
    return this.lastFamilies();
  }

  /** The same as they last said, 0.2 s ago or so: nobody is asked. */
  lastFamilies(): readonly (readonly Family[])[] {
    return [...[...this.#all].map(({account}) => account?.families ?? []), this.#counted];
  }

  /** Those that answer. */
  async processes(): Promise<readonly CoreView[]> {
    return (await Promise.all([...this.#all].map(sibling => sibling.processes()))).filter(view => view !== undefined);
  }

  /** One after the other. @returns undefined, or why the old code is still serving in one of them */
  async reload(): Promise<string | undefined> {
    for (const sibling of this.#all) {
      const problem = await sibling.reload(this.#options.reloadMs);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** What became of the events of the siblings that have ended since the stop began. */
  drained(): readonly DrainReport[] {
    return this.#drained;
  }

  /** Lets all of them drain, each in its own grace time. Resolves when all are gone. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopped ??= Promise.all([...this.#all].map(sibling => this.#stopOne(sibling))).then(() => {});
    return this.#stopped;
  }

  /** KILL, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const sibling of this.#all) sibling.end('stopped');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stopOne(sibling: SiblingProcess): Promise<void> {
    const hasReported = await sibling.stop(this.#options.graceMs + lateMs);
    if (hasReported) return;
    const {pid, account} = sibling;
    this.#house.log.error({pid, lost: account?.drain.lost}, 'A core process ended before it had drained: what it had in flight is lost');
  }

  /** Starts one, and another when it ends. Resolves when the first listens, or has ended. */
  async #keepOne(env: Readonly<Record<string, string | undefined>>, waitedMs = 0): Promise<void> {
    const {clock, log, orphanKiller} = this.#house;
    const startedAt = clock.monotonic();
    const sibling = new SiblingProcess(env, this.#house, () =>
      log.error({pid: sibling.pid}, 'A core process does not answer: it is ended'),
    );
    this.#all.add(sibling);
    if (sibling.pid !== undefined) orphanKiller.watch(sibling.pid);
    void sibling.ended.then(async end => {
      this.#forget(sibling);
      if (this.#stopping.signal.aborted) return;
      const isStable = clock.monotonic() - startedAt >= stableMs;
      const nextMs = isStable || waitedMs === 0 ? againMs : Math.min(2 * waitedMs, longestAgainMs);
      this.#tell(sibling, end, nextMs);
      if (await clock.sleep(nextMs, this.#stopping.signal)) void this.#keepOne(env, nextMs);
    });
    await sibling.listening;
  }

  /** Its gauges go with it; what it has counted stays counted. */
  #forget(sibling: SiblingProcess): void {
    this.#all.delete(sibling);
    if (sibling.pid !== undefined) this.#house.orphanKiller.forget(sibling.pid);
    if (!sibling.account) return;
    this.#counted = sumFamilies([this.#counted, countersOf(sibling.account.families)]);
    if (this.#stopping.signal.aborted) this.#drained.push(sibling.account.drain);
  }

  #tell({pid, account}: SiblingProcess, {reason, code, signal}: SiblingEnd, afterMs: number): void {
    this.#house.restarted(reason);
    const lost = account?.drain.lost ?? 0;
    this.#house.log.error({pid, reason, code, signal, lost, afterMs}, 'A core process ended: it is started again');
  }
}

const again: Readiness = {ready: false, phase: 'restarting', cause: 'a core process is being started again'};
