import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {ExitReason, Fact} from '../facts.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {StartRecord} from '../runtime.ts';
import type {OomCounter} from './cgroup.ts';
import {Child, type ChildExit, type ChildOptions} from './child.ts';
import {decide, describeExit, evolve, initial, isOurDoing, type LifecycleState, restartDelayMs, type Seen} from './lifecycle.ts';
import {Member} from './member.ts';
import type {Pool} from './pool.ts';
import {accepts, freePort} from './port.ts';
import type {LoadReport} from './report.ts';
import type {Upstream} from './upstream.ts';
import type {Watchdog} from './watchdog.ts';

export interface SupervisorOptions {
  /** What every process of this place is started with; the port is chosen each time. */
  readonly child: Omit<ChildOptions, 'port' | 'environment'>;
  environment(port: number): Readonly<Record<string, string>>;
  upstream(port: number): Upstream;
  /** The port that is taken when it is free; 0: any. */
  readonly preferredPort: number;
  readonly concurrency: number;
}

export interface SupervisorHouse {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly ooms: OomCounter;
  readonly watchdog: Watchdog;
  facts(facts: readonly [Fact, ...Fact[]]): void;
  line(line: FunctionLine): void;
  /** A start is over. `told`: an invocation that waited for it carries the record on. */
  started(record: StartRecord, told: boolean): void;
  /** It is not started again. */
  gaveUp(): void;
}

/** Why a process is started: the first or after an exit; in the place of a stuck one; with newer code. */
type Purpose = 'start' | 'spare' | 'reload';

interface Placed {
  readonly child: Child;
  readonly purpose: Purpose;
  member: Member | undefined;
  readonly outcome: PromiseWithResolvers<LoadReport | undefined>;
}

/** After TERM, the process group gets this long before KILL. */
const stopMs = 5000;

/** Keeps one place of the pool filled: starts a process, starts it again when it ends, replaces it when it must be. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #house: SupervisorHouse;
  readonly #stopping = new AbortController();
  /** Every process of this place that has not ended. */
  readonly #all = new Set<Placed>();
  #state: LifecycleState = initial;
  #current: Placed | undefined;
  #spare: Placed | undefined;

  constructor(options: SupervisorOptions, house: SupervisorHouse) {
    this.#options = options;
    this.#house = house;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get pids(): number[] {
    return [...this.#all].flatMap(({child}) => child.pid ?? []);
  }

  /** Starts the first process; resolves when it was spawned, not when it is ready. */
  async start(): Promise<void> {
    this.#current = await this.#launch('start');
  }

  /**
  Starts a process with the code of now beside the one that serves, and lets it take over when it has loaded.

  @returns undefined when it took over, else why not: then the old one serves on
  */
  async reload(): Promise<string | undefined> {
    if (this.#stopping.signal.aborted) return 'the runtime is shutting down';
    const placed = await this.#launch('reload');
    const report = await placed.outcome.promise;
    if (report?.loaded) return undefined;
    placed.child.end('reloaded');
    return report?.error ?? 'the new sub-runtime ended before it was ready';
  }

  /** TERM to every process group, KILL to one that has not ended after 5 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#all].map(({child}) => child.stop('stopped', stopMs)));
  }

  /** KILL to every process group, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const {child} of this.#all) child.end('stopped');
  }

  async #launch(purpose: Purpose): Promise<Placed> {
    const {child: options, environment, preferredPort} = this.#options;
    const isFree = preferredPort !== 0 && this.#all.size === 0 && !(await accepts(options.host, preferredPort));
    const port = isFree ? preferredPort : await freePort(options.host);
    const {clock, ooms, watchdog, line} = this.#house;
    const child = new Child(
      {...options, port, environment: environment(port)},
      {
        ready: (report, start) => this.#ready(placed, port, report, start),
        exited: exit => this.#exited(placed, exit),
        settled: id => placed.member?.settled(id),
        line,
      },
      {clock, ooms},
    );
    const placed: Placed = {child, purpose, member: undefined, outcome: Promise.withResolvers()};
    this.#all.add(placed);
    if (child.pid !== undefined) watchdog.watch(child.pid);
    this.#see({type: 'spawned', executable: child.executable}, purpose === 'start');
    if (this.#stopping.signal.aborted) child.end('stopped');
    return placed;
  }

  #ready(placed: Placed, port: number, report: LoadReport, start: StartRecord): void {
    const {meter, log, pool} = this.#house;
    const {loaded, error} = report;
    const bootMs = start.endedAt - start.startedAt;
    const takesOver = placed.purpose !== 'reload' || loaded;
    meter.runtimeReady(bootMs / 1000);
    this.#see({type: 'reported', loaded, bootMs, ...(error !== undefined && {error})}, takesOver);
    if (!loaded) log.error({pid: placed.child.pid, cause: error}, 'The handler could not be loaded');
    if (takesOver) {
      const {host} = this.#options.child;
      const {concurrency, upstream} = this.#options;
      const {clock} = this.#house;
      placed.member = new Member({
        upstream: upstream(port),
        address: {host, port},
        concurrency,
        clock,
        onStuck: () => void this.#replace(placed),
      });
      this.#takeOver(placed);
      this.#house.started(start, pool.add(placed.member, start));
    }
    placed.outcome.resolve(report);
  }

  #takeOver(placed: Placed): void {
    const old = this.#current;
    this.#current = placed;
    this.#house.pool.admit();
    if (this.#spare === placed) this.#spare = undefined;
    if (old && old !== placed && this.#all.has(old)) void this.#retire(old, placed.purpose === 'reload' ? 'reloaded' : 'stuck');
  }

  /** A call in it will not end: a spare starts, and what else runs in it may finish. */
  async #replace(stuck: Placed): Promise<void> {
    if (stuck !== this.#current || this.#spare || this.#stopping.signal.aborted) return;
    const {log, pool} = this.#house;
    log.warn({pid: stuck.child.pid}, 'A call did not end after its deadline: its sub-runtime is replaced');
    if (stuck.member) pool.remove(stuck.member);
    this.#spare = await this.#launch('spare');
    if (await this.#spare.outcome.promise) return;
    this.#spare = undefined;
    if (this.#all.has(stuck))
      stuck.child.end('stuck'); // its end starts another, with the usual back-off
    else this.#fillAgain();
  }

  async #retire({child, member}: Placed, reason: ExitReason): Promise<void> {
    if (member) {
      this.#house.pool.remove(member);
      await member.quiet();
    }
    await child.stop(reason, stopMs);
  }

  #exited(placed: Placed, exit: ChildExit): void {
    const {meter, log, pool, watchdog, started} = this.#house;
    const {reason, code, signal, upMs, lastWords, start} = exit;
    const isServing = placed === this.#current;
    const told = describeExit(exit);
    this.#all.delete(placed);
    if (placed.child.pid !== undefined) watchdog.forget(placed.child.pid);
    meter.runtimeExited(reason);
    this.#see({type: 'exited', reason, code, signal, upMs, at: this.#house.clock.monotonic()}, isServing);
    if (start) started(start, false);
    if (!isOurDoing(reason)) log.error({reason, code, signal, pid: placed.child.pid, ...(lastWords && {stderr: lastWords})}, told);
    if (placed.member) {
      pool.remove(placed.member);
      placed.member.destroy(new Fault('UPSTREAM_LOST', {message: `${told} during the call`}));
    }
    placed.outcome.resolve(undefined);
    if (isServing) this.#fillAgain();
  }

  #fillAgain(): void {
    this.#current = undefined;
    if (this.#stopping.signal.aborted || this.#spare) return;
    if (this.#state.phase === 'gave-up') {
      this.#house.log.error({}, 'The sub-runtime is not started again');
      this.#house.gaveUp();
      return;
    }
    const delayMs = restartDelayMs(this.#state, Math.random());
    if (delayMs !== undefined) void this.#startAgain(delayMs);
  }

  async #startAgain(delayMs: number): Promise<void> {
    if (!(await this.#house.clock.sleep(delayMs, this.#stopping.signal))) return;
    if (this.#current === undefined) await this.start();
  }

  /** @param counts false for a process that is not the one that serves: it tells nothing of this place's state */
  #see(seen: Seen, counts: boolean): void {
    const facts = decide(counts ? this.#state : initial, seen);
    if (counts) for (const fact of facts) this.#state = evolve(this.#state, fact, this.#house.clock.monotonic());
    this.#house.facts(facts);
  }
}
