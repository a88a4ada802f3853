import type {Fact} from '../facts.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {StartRecord} from '../runtime.ts';
import type {ChildExit} from './child.ts';
import {
  decide,
  describeExit,
  evolve,
  initial,
  isOrdered,
  type LifecycleState,
  type RestartPolicy,
  restartDelayMs,
  type Seen,
} from './lifecycle.ts';
import {Occupant, type OccupantHouse, type OccupantOptions, type Purpose} from './occupant.ts';
import {choosePort} from './port.ts';
import type {LoadReport} from './report.ts';

export interface SupervisorOptions extends OccupantOptions {
  /** The port that is taken when it is free; 0: any. */
  readonly preferredPort: number;
  /** When to start again, and when not. */
  readonly policy: RestartPolicy;
}

export interface SupervisorHouse extends OccupantHouse {
  readonly log: Log;
  readonly meter: Meter;
  facts(facts: readonly [Fact, ...Fact[]]): void;
  /** A start is over. `told`: an invocation that waited for it carries the record on. */
  started(record: StartRecord, told: boolean): void;
  /** It is not started again. */
  gaveUp(): void;
}

/** Keeps one place of the pool filled: starts a process, starts it again when it ends, replaces it when it must be. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #house: SupervisorHouse;
  readonly #stopping = new AbortController();
  /** Every process of this place that has not ended. */
  readonly #all = new Set<Occupant>();
  #state: LifecycleState = initial;
  /** Who serves, or will once it is ready. */
  #current: Occupant | undefined;
  #isReplacing = false;

  constructor(options: SupervisorOptions, house: SupervisorHouse) {
    this.#options = options;
    this.#house = house;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get pids(): number[] {
    return [...this.#all].flatMap(({pid}) => pid ?? []);
  }

  /** Starts a process; resolves when it was spawned, not when it is ready. */
  async start(): Promise<void> {
    const started = await this.#launch('start');
    // Newer code may have taken over while a port was looked for.
    if (this.#current) started.end('reloaded');
    else this.#current = started;
  }

  /**
  Starts a process with the code of now beside the one that serves, and lets it take over when it has loaded.

  @returns undefined when it took over, else why not: then the old one serves on
  */
  async reload(): Promise<string | undefined> {
    if (this.#stopping.signal.aborted) return 'the runtime is shutting down';
    const occupant = await this.#launch('reload');
    const report = await occupant.outcome;
    if (report?.loaded) return undefined;
    occupant.end('reloaded');
    return report?.error ?? 'the new sub-runtime ended before it was ready';
  }

  /** TERM to every process group, KILL to one that has not ended after 5 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#all].map(occupant => occupant.stop('stopped')));
  }

  /** KILL to every process group, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const occupant of this.#all) occupant.end('stopped');
  }

  async #launch(purpose: Purpose): Promise<Occupant> {
    const {child, preferredPort} = this.#options;
    const preferred = this.#all.size === 0 ? preferredPort : 0;
    const port = await choosePort(child.host, preferred, this.#house, this.#stopping.signal);
    const occupant: Occupant = new Occupant(purpose, port, this.#options, this.#house, {
      ready: (report, start) => this.#ready(occupant, report, start),
      exited: exit => this.#exited(occupant, exit),
      stuck: why => void this.#replace(occupant, why),
    });
    this.#all.add(occupant);
    this.#see({type: 'spawned', pid: occupant.pid, executable: occupant.executable}, purpose === 'start');
    if (this.#stopping.signal.aborted) occupant.end('stopped');
    return occupant;
  }

  #ready(occupant: Occupant, {loaded, error, socket}: LoadReport, start: StartRecord): void {
    const {meter, log, started} = this.#house;
    const bootMs = start.endedAt - start.startedAt;
    // A report may be read after its process was ended: the stop has refused whoever waits, and that stays.
    const takesOver = !this.#stopping.signal.aborted && !occupant.isLeaving && (occupant.purpose !== 'reload' || loaded);
    meter.runtimeReady(bootMs / 1000);
    this.#see({type: 'reported', pid: occupant.pid, loaded, bootMs, ...(error !== undefined && {error})}, takesOver);
    if (!loaded) log.error({pid: occupant.pid, cause: error}, 'The handler could not be loaded');
    if (takesOver) this.#takeOver(occupant);
    started(start, takesOver && occupant.join(start, socket));
  }

  #takeOver(occupant: Occupant): void {
    const old = this.#current;
    this.#current = occupant;
    this.#house.pool.admit();
    if (occupant.purpose === 'reload') {
      // Also one that is still starting: it may have read older code.
      for (const other of this.#all) if (other !== occupant) void other.retire('reloaded');
    } else if (old && old !== occupant && this.#all.has(old)) void old.retire('stuck');
  }

  /** A call in it will not end, or it takes none: a spare starts, and what else runs in it may finish. */
  async #replace(stuck: Occupant, why: string): Promise<void> {
    if (stuck !== this.#current || this.#isReplacing || this.#stopping.signal.aborted) return;
    this.#isReplacing = true;
    this.#house.log.warn({pid: stuck.pid}, `${why}: its sub-runtime is replaced`);
    stuck.leave();
    const spare = await this.#launch('spare');
    const isFilled = (await spare.outcome) !== undefined;
    this.#isReplacing = false;
    if (isFilled) return;
    if (this.#current === stuck)
      stuck.end('stuck'); // its end starts another, with the usual back-off
    else if (this.#current === undefined) this.#fillAgain();
  }

  #exited(occupant: Occupant, exit: ChildExit): void {
    const {meter, clock, started} = this.#house;
    const {reason, code, signal, error, upMs, start} = exit;
    const isServing = occupant === this.#current;
    this.#all.delete(occupant);
    meter.runtimeExited(reason);
    const at = clock.monotonic();
    this.#see({type: 'exited', pid: occupant.pid, reason, code, signal, upMs, at, ...(error !== undefined && {error})}, isServing);
    if (start) started(start, false);
    if (!isOrdered(reason)) void this.#tell(occupant, exit);
    if (isServing) this.#fillAgain();
  }

  async #tell({pid}: Occupant, exit: ChildExit): Promise<void> {
    const {reason, code, signal} = exit;
    const stderr = await exit.lastWords;
    this.#house.log.error({reason, code, signal, pid, ...(stderr && {stderr})}, describeExit(exit));
  }

  #fillAgain(): void {
    this.#current = undefined;
    if (this.#stopping.signal.aborted || this.#isReplacing) return;
    if (this.#state.phase === 'gave-up') {
      this.#house.log.error({}, 'The sub-runtime is not started again');
      this.#house.gaveUp();
      return;
    }
    const delayMs = restartDelayMs(this.#state, Math.random(), this.#options.policy);
    if (delayMs !== undefined) void this.#startAgain(delayMs);
  }

  async #startAgain(delayMs: number): Promise<void> {
    if (!(await this.#house.clock.sleep(delayMs, this.#stopping.signal))) return;
    if (this.#current === undefined) await this.start();
  }

  /** @param counts false for a process that is not the one that serves: it tells nothing of this place's state */
  #see(seen: Seen, counts: boolean): void {
    const {policy} = this.#options;
    const facts = decide(counts ? this.#state : initial, seen, policy);
    if (counts) for (const fact of facts) this.#state = evolve(this.#state, fact, this.#house.clock.monotonic(), policy);
    this.#house.facts(facts);
  }
}
