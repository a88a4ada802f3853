import type {Fact} from '../../facts.ts';
import type {Log} from '../../log.ts';
import type {Meter} from '../../meter.ts';
import type {StartRecord} from '../../runtime.ts';
import type {LoadReport} from '../output/report.ts';
import type {ChildExit} from './child.ts';
import {
  answered,
  decide,
  describeExit,
  evolve,
  initial,
  isOrdered,
  type LifecycleState,
  type RestartPolicy,
  restartDelayMs,
  type Seen,
  servedUntil,
} from './lifecycle.ts';
import {Occupant, type OccupantHouse, type OccupantOptions, type Purpose} from './occupant.ts';
import {choosePort} from './port.ts';
import {Processes} from './processes.ts';

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
  /** Until when a process of the function served well in any place, in monotonic milliseconds; undefined: none did yet. */
  functionServedAt(): number | undefined;
  /** For the time being it is not started again. */
  gaveUp(): void;
  /** One start is tried although it was given up. */
  tried(): void;
}

/** Pause after a spare that did not become ready, doubled with each in a row, while the stuck process serves on. */
const spareAgainMs = 1000;
const longestSpareAgainMs = 60_000;

/** Keeps one place of the pool filled: starts a process, starts it again when it ends, replaces it when it must be. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #house: SupervisorHouse;
  readonly #stopping = new AbortController();
  readonly #processes = new Processes();
  /** Of processes that are gone: what they wrote may still have to be read. */
  readonly #unread = new Set<Promise<unknown>>();
  #state: LifecycleState = initial;
  /** The newest launch: the next begins when it is over, so that each sees the processes that are there. */
  #launching: Promise<unknown> = Promise.resolve();
  #isReplacing = false;
  #isStartingAgain = false;
  #failedSpares = 0;

  constructor(options: SupervisorOptions, house: SupervisorHouse) {
    this.#options = options;
    this.#house = house;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Until when a process of this place served well, in monotonic milliseconds: now while one does; undefined: none did yet. */
  get servedAt(): number | undefined {
    return servedUntil(this.#state, this.#house.clock.monotonic(), this.#options.policy);
  }

  get pids(): number[] {
    return [...this.#processes].flatMap(({pid}) => pid ?? []);
  }

  /** Starts a process; resolves when it was spawned, not when it is ready. */
  async start(): Promise<void> {
    await this.#launch('start');
  }

  /**
  Starts a process with the code of now beside the one that serves, and lets it take over when it has loaded.

  @returns undefined when it took over, else why not: then the old one serves on
  */
  async reload(): Promise<string | undefined> {
    const occupant = await this.#launch('reload');
    if (!occupant) return 'the runtime is shutting down';
    const report = await occupant.outcome;
    if (report?.loaded) return undefined;
    void occupant.end('reloaded');
    return report?.error ?? 'the new sub-runtime ended before it was ready';
  }

  /** TERM to every process group, KILL to one that has not ended after 5 s. Then what they wrote is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#processes].map(occupant => occupant.stop('stopped')));
    await Promise.all(this.#unread);
  }

  /** KILL to every process group, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const occupant of this.#processes) void occupant.end('stopped');
  }

  /** @returns undefined when the process is not wanted any more: others have come, or the core stops */
  #launch(purpose: Purpose): Promise<Occupant | undefined> {
    const launched = this.#launching.then(() => this.#launchInTurn(purpose));
    this.#launching = launched.catch(() => {});
    return launched;
  }

  async #launchInTurn(purpose: Purpose): Promise<Occupant | undefined> {
    const {child, preferredPort} = this.#options;
    if (!this.#isWanted(purpose)) return undefined;
    await this.#processes.makeRoom();
    const preferred = this.#processes.size === 0 ? preferredPort : 0;
    const port = await choosePort(child.host, preferred, this.#house, this.#stopping.signal);
    if (!this.#isWanted(purpose)) return undefined;
    if (this.#state.phase === 'gave-up' && purpose === 'start') this.#tried();
    const occupant: Occupant = new Occupant(purpose, port, this.#options, this.#house, {
      ready: (report, start) => this.#ready(occupant, report, start),
      exited: exit => this.#exited(occupant, exit),
      stuck: why => this.#replace(occupant, why),
      answered: () => this.#answered(occupant),
    });
    this.#processes.add(occupant);
    this.#see({type: 'spawned', pid: occupant.pid, executable: occupant.executable}, purpose === 'start');
    return occupant;
  }

  #isWanted(purpose: Purpose): boolean {
    return !this.#stopping.signal.aborted && this.#processes.wants(purpose);
  }

  #ready(occupant: Occupant, {loaded, error, socket}: LoadReport, start: StartRecord): void {
    const {meter, log, started} = this.#house;
    const bootMs = start.endedAt - start.startedAt;
    const role = this.#processes.roleOf(occupant);
    // A report may be read after its process was ended: the stop has refused whoever waits, and that stays.
    const isLate = this.#stopping.signal.aborted || occupant.isLeaving;
    // One that could not load its handler takes over from nobody who serves.
    const isFit = loaded || role === 'serving' || (occupant.purpose === 'spare' && !this.#processes.current);
    const takesOver = !isLate && isFit;
    meter.runtimeReady(bootMs / 1000);
    this.#see({type: 'reported', pid: occupant.pid, loaded, bootMs, ...(error !== undefined && {error})}, takesOver);
    if (!loaded) log.error({pid: occupant.pid, cause: error}, 'The handler could not be loaded');
    if (takesOver) this.#house.pool.admit();
    started(start, takesOver && occupant.join(start, socket));
    if (takesOver && role === 'next') {
      this.#processes.takeOver(); // after it joined: somebody always takes calls
      this.#failedSpares = 0;
    } else if (!takesOver && occupant.purpose === 'spare') void occupant.end('stopped');
  }

  /** A call in it does not end, or it takes none: a spare starts, and what else runs in it may finish. */
  #replace(stuck: Occupant, why: string): void {
    if (stuck !== this.#processes.current || this.#processes.hasNext || this.#isReplacing || this.#stopping.signal.aborted) return;
    this.#house.log.warn({pid: stuck.pid}, `${why}: its sub-runtime is replaced`);
    stuck.doubt();
    void this.#startSpare(0);
  }

  async #startSpare(delayMs: number): Promise<void> {
    this.#isReplacing = true;
    if (await this.#house.clock.sleep(delayMs, this.#stopping.signal)) await this.#launch('spare');
    this.#isReplacing = false;
  }

  #answered(occupant: Occupant): void {
    if (occupant === this.#processes.current) this.#state = answered(this.#state);
  }

  #exited(occupant: Occupant, exit: ChildExit): void {
    const {meter, clock, started, functionServedAt} = this.#house;
    const {start, lastWords, ...how} = exit;
    this.#unread.add(lastWords);
    void lastWords.then(() => this.#unread.delete(lastWords));
    const role = this.#processes.roleOf(occupant);
    this.#processes.remove(occupant);
    meter.runtimeExited(how.reason);
    const seen = {type: 'exited', pid: occupant.pid, ...how, at: clock.monotonic(), functionServedAt: functionServedAt()} as const;
    this.#see(seen, role === 'serving');
    if (start) started(start, false);
    if (!isOrdered(how.reason)) void this.#tell(occupant, exit);
    if (role !== 'past') this.#fillAgain();
  }

  async #tell({pid}: Occupant, exit: ChildExit): Promise<void> {
    const {reason, code, signal} = exit;
    const stderr = await exit.lastWords;
    this.#house.log.error({reason, code, signal, pid, ...(stderr && {stderr})}, describeExit(exit));
  }

  /** The process that served is gone, or the one that was to take over from it. */
  #fillAgain(): void {
    const {current, hasNext} = this.#processes;
    if (this.#stopping.signal.aborted || hasNext) return;
    if (current) {
      this.#spareAgain(current);
      return;
    }
    if (this.#isStartingAgain) return;
    const delayMs = restartDelayMs(this.#state, Math.random(), this.#options.policy);
    if (this.#state.phase === 'gave-up') {
      this.#house.log.error({afterMs: delayMs}, 'The sub-runtime ends again and again: from now on a start is tried every 30 to 60 s');
      this.#house.gaveUp();
    }
    if (delayMs !== undefined) void this.#startAgain(delayMs);
  }

  async #startAgain(delayMs: number): Promise<void> {
    this.#isStartingAgain = true;
    await this.#house.clock.sleep(delayMs, this.#stopping.signal);
    this.#isStartingAgain = false;
    await this.start();
  }

  /** No successor became ready. A process that serves nobody is ended, and its end starts another; else it serves on. */
  #spareAgain(current: Occupant): void {
    if (!current.isStuck || this.#isReplacing) return;
    if (current.servesNobody) void current.end('stuck');
    else void this.#startSpare(Math.min(spareAgainMs * 2 ** this.#failedSpares++, longestSpareAgainMs));
  }

  #tried(): void {
    this.#house.log.warn({}, 'The sub-runtime was given up: one start is tried');
    this.#house.tried();
  }

  /** @param counts false for a process that is not the one that serves: it tells nothing of this place's state */
  #see(seen: Seen, counts: boolean): void {
    const {policy} = this.#options;
    const [fact, ...more] = decide(counts ? this.#state : initial, seen, policy);
    const facts = counts ? ([fact, ...more] as const) : ([fact] as const);
    if (counts) for (const fact of facts) this.#state = evolve(this.#state, fact, this.#house.clock.monotonic(), policy);
    this.#house.facts(facts);
  }
}
