import type {Fault} from '../../errors.ts';
import type {ExitReason} from '../../facts.ts';
import type {Hop} from '../../hop/hop.ts';
import type {StartRecord} from '../../runtime.ts';
import {ownBytes} from '../memory/resident.ts';
import type {LoadReport} from '../output/report.ts';
import {Member} from '../pool/member.ts';
import {isEnding} from '../proc/stat.ts';
import {Child, type ChildExit} from './child.ts';
import {lostBy} from './exit.ts';
import {exitMs, type Purpose, type SubRuntimeEvents, type SubRuntimeHouse, type SubRuntimeOptions, silence, stopMs} from './parts.ts';
import {concurrencyOf, openHop} from './way.ts';

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
  #isOver = false;
  /** It was asked to end, or closed its channel: it ends by itself, or is ended. */
  #isGoing = false;
  #hop: Hop | undefined;
  #member: Member | undefined;

  constructor(purpose: Purpose, port: number, options: SubRuntimeOptions, house: SubRuntimeHouse, events: SubRuntimeEvents) {
    const {promise, resolve} = Promise.withResolvers<LoadReport | undefined>();
    const {clock, ooms, orphanKiller, line, linesDropped, mayServe} = house;
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
        mayServe,
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

  get child(): Pick<Child, 'pid' | 'executable' | 'startedAt' | 'readyAt'> {
    return this.#child;
  }

  /** Calls in it. */
  get calls(): number {
    return this.#member?.active ?? 0;
  }

  /**
  Takes calls from now on: on the channel when it is on it, else at its port.

  @returns true when an invocation had waited for this start: it has the record, and reports it
  */
  join(start: StartRecord, report: LoadReport): boolean {
    const {timeoutMs, child} = this.#options;
    const {clock, pool} = this.#house;
    const hop = openHop(report, this.#options, {
      port: this.#port,
      calls: this.#child.calls,
      clock,
      onBroken: why => this.#broke(why),
      onClosed: () => this.#closed(),
      onSilent: () => pool.isWaitedFor && this.#events.stuck(silence),
      onAlive: () => pool.admitWaiting(),
    });
    this.#hop = hop;
    this.#member = new Member({
      upstream: hop,
      address: {host: child.host, port: this.#port},
      pid: this.pid,
      concurrency: concurrencyOf(report, this.#options),
      timeoutMs,
      clock,
      reportsEnds: child.command.readiness === 'report' || hop.isChannel,
      onStuck: cause => this.#events.stuck({cause, remedy: 'its sub-runtime is replaced', isSilent: false}),
      onAnswered: () => this.#events.answered(),
      isEnding: () => this.#isGoing || (this.pid !== undefined && isEnding(this.pid)),
    });
    return pool.add(this.#member, start);
  }

  #broke(why: string): void {
    if (this.#isOver) return;
    this.#events.broken(why);
    void this.end('protocol');
  }

  /** It closed its channel. Most likely it is ending, and its exit says why. */
  #closed(): void {
    if (!this.#isGoing) this.#house.clock.after(exitMs, () => this.#broke('The sub-runtime closed its channel'));
    this.#isGoing = true;
    this.leave();
  }

  /** Somebody waits for a call in it. */
  get isWaitedFor(): boolean {
    return this.#member?.isWaitedFor ?? false;
  }

  /** What it has made of the memory, and about what another process will need. */
  get ownBytes(): number {
    return this.pid === undefined ? 0 : ownBytes(this.pid);
  }

  /** A call in it does not end, or it takes no connection, or does not answer: a spare should take over. */
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
    this.#isGoing = true;
    return this.#child.stop(reason, stopMs);
  }

  /** Sends KILL to the process group, at once. Resolves when the process is gone: callers do not wait for that, as it may take long. */
  end(reason: ExitReason): Promise<void> {
    this.#isLeaving = true;
    this.leave();
    this.#child.end(reason);
    this.#lose(lostBy({code: null, signal: 'SIGKILL', reason}));
    return this.#child.exit;
  }

  #exited(exit: ChildExit): void {
    this.#isOver = true;
    if (this.pid !== undefined) this.#house.orphanKiller.forget(this.pid);
    this.leave();
    this.#events.exited(exit);
    this.#lose(lostBy(exit));
    if (!this.#member) this.#child.calls?.destroy();
  }
  /** Replies that it wrote on the channel before it ended are read first. */
  #lose(lost: Fault): void {
    if (this.#hop?.isChannel) void this.#house.clock.turn().then(() => this.#member?.destroy(lost));
    else this.#member?.destroy(lost);
  }
}
