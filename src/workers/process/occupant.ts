import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {ExitReason} from '../../facts.ts';
import type {FunctionLine} from '../../log.ts';
import type {StartRecord} from '../../runtime.ts';
import type {Upstream} from '../hop/http.ts';
import type {OomCounter} from '../memory/cgroup.ts';
import type {LoadReport} from '../output/report.ts';
import {Member} from '../pool/member.ts';
import type {Pool} from '../pool/pool.ts';
import {isEnding} from '../proc/stat.ts';
import {Child, type ChildExit, type ChildOptions} from './child.ts';
import {describeExit} from './lifecycle.ts';
import type {OrphanKiller} from './orphans.ts';

export interface OccupantOptions {
  /** What every process of this place is started with; the port is chosen each time. */
  readonly child: Omit<ChildOptions, 'port' | 'environment'>;
  environment(port: number): Readonly<Record<string, string>>;
  upstream(port: number, socket: string | undefined): Upstream;
  readonly concurrency: number;
  /** Longest time of a call, in milliseconds. */
  readonly timeoutMs: number;
}

export interface OccupantHouse {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly ooms: OomCounter;
  readonly orphanKiller: OrphanKiller;
  line(line: FunctionLine): void;
  linesDropped(lines: number): void;
}

export interface OccupantEvents {
  ready(report: LoadReport, start: StartRecord): void;
  exited(exit: ChildExit): void;
  /** A call in it does not end, or it takes none. */
  stuck(why: string): void;
  /** It has answered its first call. */
  answered(): void;
}

/** Why a process is started: the first or after an exit; in the place of a stuck one; with newer code. */
export type Purpose = 'start' | 'spare' | 'reload';

/** After TERM, the process group gets this long before KILL. */
const stopMs = 5000;

/** One process in a place of the pool, with the calls in it. */
export class Occupant {
  readonly purpose: Purpose;
  /** What it reported; undefined when it ended before. */
  readonly outcome: Promise<LoadReport | undefined>;
  readonly #port: number;
  readonly #options: OccupantOptions;
  readonly #house: OccupantHouse;
  readonly #events: OccupantEvents;
  readonly #child: Child;
  /** It ends, or will once nobody waits for a call in it. */
  isLeaving = false;
  #member: Member | undefined;

  constructor(purpose: Purpose, port: number, options: OccupantOptions, house: OccupantHouse, events: OccupantEvents) {
    const {promise, resolve} = Promise.withResolvers<LoadReport | undefined>();
    const {clock, ooms, orphanKiller, line, linesDropped} = house;
    this.purpose = purpose;
    this.outcome = promise;
    this.#port = port;
    this.#options = options;
    this.#house = house;
    this.#events = events;
    this.#child = new Child(
      {...options.child, port, environment: options.environment(port)},
      {
        ready(report, start) {
          events.ready(report, start);
          resolve(report);
        },
        exited: exit => {
          this.#exited(exit);
          resolve(undefined);
        },
        settled: id => this.#member?.settled(id),
        line,
        linesDropped,
      },
      {clock, ooms},
    );
    if (this.pid !== undefined) orphanKiller.watch(this.pid);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get executable(): string {
    return this.#child.executable;
  }

  /** Takes calls from now on, on that socket if it has one. @returns true when one that had waited carries the record on */
  join(start: StartRecord, socket: string | undefined): boolean {
    const {concurrency, timeoutMs, upstream, child} = this.#options;
    const {clock, pool} = this.#house;
    const address = {host: child.host, port: this.#port};
    this.#member = new Member({
      upstream: upstream(this.#port, socket),
      address,
      pid: this.pid,
      concurrency,
      timeoutMs,
      clock,
      tellsEnds: child.command.readiness === 'report',
      onStuck: why => this.#events.stuck(why),
      onAnswered: () => this.#events.answered(),
      isEnding: () => this.pid !== undefined && isEnding(this.pid),
    });
    return pool.add(this.#member, start);
  }

  /** A call in it does not end, or it takes none: a spare should take over. */
  get isStuck(): boolean {
    return this.#member?.isStuck ?? false;
  }

  /** No caller can be served by it any more. */
  get servesNobody(): boolean {
    return this.#member?.servesNobody ?? false;
  }

  /** Until its spare is ready it serves on as far as it answers, and not at all when it takes no connection. */
  doubt(): void {
    if (this.#member?.isDeaf) this.leave();
    else if (this.#member) {
      this.#member.doubt();
      this.#house.pool.admitRested(this.#member);
    }
  }

  /** Takes no calls any more; what runs in it runs on. */
  leave(): void {
    if (this.#member) this.#house.pool.remove(this.#member);
  }

  /** Ends it once nobody waits for a call in it. */
  async retire(reason: ExitReason): Promise<void> {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.leave();
    await this.#member?.quiet();
    await this.stop(reason);
  }

  /** TERM to the process group, KILL when it has not ended after 5 s. */
  stop(reason: ExitReason): Promise<void> {
    return this.#child.stop(reason, stopMs);
  }

  /** KILL to the process group, at once. Resolves when it is gone. */
  end(reason: ExitReason): Promise<void> {
    this.isLeaving = true;
    this.leave();
    this.#child.end(reason);
    return this.#child.exit;
  }

  #exited(exit: ChildExit): void {
    if (this.pid !== undefined) this.#house.orphanKiller.forget(this.pid);
    this.leave();
    this.#events.exited(exit);
    this.#member?.destroy(
      new Fault('UPSTREAM_LOST', {message: `${describeExit(exit)} during the call`, ended: endedByItself[exit.reason]}),
    );
  }
}

/** What we ended is no crash. */
const endedByItself: Partial<Record<ExitReason, Fault['ended']>> = {
  'exit-zero': 'crash',
  'exit-nonzero': 'crash',
  signal: 'crash',
  oom: 'oom',
};
