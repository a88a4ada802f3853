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
import {describeExit} from './exit.ts';
import type {OrphanKiller} from './orphans.ts';

export interface SubRuntimeOptions {
  /** What every process of the place is started with; the port is chosen each time. */
  readonly child: Omit<ChildOptions, 'port' | 'environment'>;
  environment(port: number): Readonly<Record<string, string>>;
  upstream(port: number, socket: string | undefined): Upstream;
  readonly concurrency: number;
  /** Longest time of a call, in milliseconds. */
  readonly timeoutMs: number;
}

export interface SubRuntimeHouse {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly ooms: OomCounter;
  readonly orphanKiller: OrphanKiller;
  line(line: FunctionLine): void;
  linesDropped(lines: number): void;
}

export interface SubRuntimeEvents {
  ready(report: LoadReport, start: StartRecord): void;
  exited(exit: ChildExit): void;
  /** A call in it does not end, or it takes no connection. */
  stuck(why: string): void;
  /** It has answered its first call. */
  answered(): void;
}

/** Why a process is started: it is the first or follows an exit; it replaces a stuck process; it runs newer code. */
export type Purpose = 'start' | 'spare' | 'reload';

/** How long the process group has after TERM before KILL. */
const stopMs = 5000;

/**
One sub-runtime from its start to its end: its process, and the calls in it. It becomes ready, joins the pool when its
supervisor lets it, leaves the pool, and ends. The pool sees its member only.
*/
export class SubRuntime {
  readonly purpose: Purpose;
  /** Its report; undefined when it ended before it reported. */
  readonly outcome: Promise<LoadReport | undefined>;
  readonly #port: number;
  readonly #options: SubRuntimeOptions;
  readonly #house: SubRuntimeHouse;
  readonly #events: SubRuntimeEvents;
  readonly #child: Child;
  #isLeaving = false;
  #member: Member | undefined;

  constructor(purpose: Purpose, port: number, options: SubRuntimeOptions, house: SubRuntimeHouse, events: SubRuntimeEvents) {
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

  /** It ends now, or will once nobody waits for a call in it. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get executable(): string {
    return this.#child.executable;
  }

  /**
  Takes calls from now on, through the abstract socket if it has one.

  @returns true when an invocation had waited for this start: it has the record, and reports it
  */
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
      reportsEnds: child.command.readiness === 'report',
      onStuck: why => this.#events.stuck(why),
      onAnswered: () => this.#events.answered(),
      isEnding: () => this.pid !== undefined && isEnding(this.pid),
    });
    return pool.add(this.#member, start);
  }

  /** A call in it does not end, or it takes no connection: a spare should take over. */
  get isStuck(): boolean {
    return this.#member?.isStuck ?? false;
  }

  /** It can serve no caller any more. */
  get servesNobody(): boolean {
    return this.#member?.servesNobody ?? false;
  }

  /** It is stuck. Until its spare is ready it serves on as far as it answers; when it takes no connection it leaves the pool. */
  doubt(): void {
    if (this.#member?.isDeaf) this.leave();
    else if (this.#member) {
      this.#member.doubt();
      this.#house.pool.admitRested(this.#member);
    }
  }

  /** Takes no more calls; the calls in it run on. */
  leave(): void {
    if (this.#member) this.#house.pool.remove(this.#member);
  }

  /** Ends it once nobody waits for a call in it. */
  async retire(reason: ExitReason): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.leave();
    await this.#member?.quiet();
    await this.stop(reason);
  }

  /** Sends TERM to the process group, and KILL when it has not ended after 5 s. */
  stop(reason: ExitReason): Promise<void> {
    return this.#child.stop(reason, stopMs);
  }

  /** Sends KILL to the process group, at once. Resolves when the process is gone. */
  end(reason: ExitReason): Promise<void> {
    this.#isLeaving = true;
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

/** The exits that are a crash, or lack of memory: not those of processes that we ended. */
const endedByItself: Partial<Record<ExitReason, Fault['ended']>> = {
  'exit-zero': 'crash',
  'exit-nonzero': 'crash',
  signal: 'crash',
  oom: 'oom',
};
