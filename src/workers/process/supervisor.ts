import type {StartRecord} from '../../runtime.ts';
import type {LoadReport} from '../output/report.ts';
import type {ChildExit} from './child.ts';
import {ExitReports} from './exit-reports.ts';
import {History} from './history.ts';
import type {LifecycleState} from './lifecycle.ts';
import type {Purpose, SupervisorHouse, SupervisorOptions, Trouble} from './parts.ts';
import {choosePort} from './port.ts';
import {Processes} from './processes.ts';
import {Spares} from './spares.ts';
import {SubRuntime} from './sub-runtime.ts';
import {Turns} from './turns.ts';
import {type PlaceView, viewPlace} from './view.ts';

/** Keeps one place of the pool filled: starts a process, starts another when it ends, and replaces it when it is stuck or its code is old. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #house: SupervisorHouse;
  readonly #stopping = new AbortController();
  readonly #history: History;
  readonly #processes = new Processes();
  readonly #spares: Spares<SubRuntime>;
  readonly #exitReports: ExitReports;
  /** One launch at a time, so that each sees the processes that exist. */
  readonly #launches = new Turns();
  #isStartingAgain = false;

  constructor(options: SupervisorOptions, house: SupervisorHouse) {
    this.#options = options;
    this.#house = house;
    this.#history = new History(options.policy, house);
    this.#exitReports = new ExitReports(house);
    this.#spares = new Spares(
      house,
      () => this.#launch('spare'),
      (stuck, trouble) => this.#replace(stuck, trouble),
    );
  }

  get state(): LifecycleState {
    return this.#history.state;
  }

  /** The monotonic time at which a process of this place last served well: now while one does; undefined: none has yet. */
  get servedAt(): number | undefined {
    return this.#history.servedAt;
  }

  /** What is shown of it. */
  get view(): PlaceView {
    return viewPlace(this.state, this.#processes, this.#exitReports);
  }

  get pids(): number[] {
    return [...this.#processes].flatMap(({pid}) => pid ?? []);
  }

  /** Starts a process; resolves when it was spawned, not when it is ready. */
  async start(): Promise<void> {
    await this.#launch('start');
  }

  /**
  Starts a process with the present code beside the one that serves, and lets it take over once it has loaded the handler.

  @param supersedes it is not refused where calls run in the processes of several older versions: the oldest loses its calls
  @returns undefined when it took over, else why not: then the old process serves on
  */
  async reload(supersedes = false): Promise<string | undefined> {
    const subRuntime = await this.#launch('reload', supersedes);
    if (!subRuntime) return this.#stopping.signal.aborted ? 'the runtime is shutting down' : this.#crowded();
    const report = await subRuntime.outcome;
    if (report?.loaded) return undefined;
    // One that could not load its handler reports the error next, with its place.
    void (report ? subRuntime.stop('reloaded') : subRuntime.end('reloaded'));
    return report?.error ?? 'the new sub-runtime ended before it was ready';
  }

  /** Sends TERM to every process group, and KILL to those that have not ended after 5 s. Then reads what they wrote. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#processes].map(subRuntime => subRuntime.stop('stopped')));
    await this.#exitReports.allRead();
  }

  /** Sends KILL to every process group, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const subRuntime of this.#processes) void subRuntime.end('stopped');
  }

  /** @returns undefined when the process is not wanted any more: another has come, or the core stops */
  #launch(purpose: Purpose, supersedes = false): Promise<SubRuntime | undefined> {
    return this.#launches.take(() => this.#launchInTurn(purpose, supersedes));
  }

  /** Why a reload was refused. */
  #crowded(): string {
    const {kept} = this.#processes;
    return `callers still wait for calls in ${kept} ${kept === 1 ? 'process' : 'processes'} of older code: reload again when the oldest has ended`;
  }

  /** Whether the memory has room for newer code beside what reloads have left behind. Two processes always fit. */
  #fits(purpose: Purpose): boolean {
    const {current, kept} = this.#processes;
    return purpose !== 'reload' || kept === 0 || this.#house.freeBytes() >= (current?.ownBytes ?? 0);
  }

  async #launchInTurn(purpose: Purpose, supersedes: boolean): Promise<SubRuntime | undefined> {
    const {child, preferredPort} = this.#options;
    if (!this.#isWanted(purpose)) return undefined;
    if (!supersedes && !this.#fits(purpose)) return undefined;
    if (!(await this.#processes.makeRoom(supersedes || purpose !== 'reload'))) return undefined;
    const preferred = this.#processes.size === 0 ? preferredPort : 0;
    const port = await choosePort(child.host, preferred, this.#house, this.#stopping.signal);
    if (!this.#isWanted(purpose)) return undefined;
    if (this.state.phase === 'gave-up' && purpose === 'start') {
      this.#house.log.warn({}, 'The sub-runtime was given up: one start is tried');
      this.#house.meter.runtimeTried();
    }
    const subRuntime: SubRuntime = new SubRuntime(purpose, port, this.#options, this.#house, {
      ready: (report, start) => this.#ready(subRuntime, report, start),
      exited: exit => this.#exited(subRuntime, exit),
      stuck: trouble => this.#replace(subRuntime, trouble),
      broken: why => this.#house.log.error({pid: subRuntime.pid}, `${why}: it is ended`),
      answered: () => void (subRuntime === this.#processes.current && this.#history.answered()),
    });
    this.#processes.add(subRuntime);
    this.#history.see({type: 'spawned', pid: subRuntime.pid, executable: subRuntime.child.executable}, purpose === 'start');
    return subRuntime;
  }

  #isWanted(purpose: Purpose): boolean {
    return !this.#stopping.signal.aborted && this.#processes.wants(purpose);
  }

  #ready(subRuntime: SubRuntime, report: LoadReport, start: StartRecord): void {
    const {loaded, error} = report;
    const {meter, log, started} = this.#house;
    const bootMs = start.endedAt - start.startedAt;
    const role = this.#processes.roleOf(subRuntime);
    // A report may be read after its process was ended. The stop has refused the callers that waited: admit none after it.
    const isLate = this.#stopping.signal.aborted || subRuntime.isLeaving;
    const takesOver = !isLate && this.#processes.isFit(subRuntime, loaded);
    meter.runtimeReady(bootMs / 1000);
    this.#history.see({type: 'reported', pid: subRuntime.pid, loaded, bootMs, ...(error !== undefined && {error})}, takesOver);
    if (!loaded) log.error({pid: subRuntime.pid, cause: error}, 'The handler could not be loaded');
    if (takesOver) this.#house.pool.admit();
    started(start, takesOver && subRuntime.join(start, report));
    if (takesOver && role === 'next') {
      this.#processes.takeOver(); // only after it joined: there is always a process that takes calls
      this.#spares.tookOver(subRuntime);
    } else if (!takesOver && subRuntime.purpose === 'spare') this.#spares.dismiss(subRuntime, loaded && !isLate);
  }

  /** Starts a spare for a process that is stuck. Its other calls may finish. */
  #replace(stuck: SubRuntime, trouble: Trouble): void {
    if (stuck !== this.#processes.current || this.#processes.hasNext || this.#stopping.signal.aborted || !stuck.isStuck) return;
    // One more process would cost the oldest its calls, which may yet be answered: callers wait for one of the two.
    if (trouble.isSilent && this.#processes.isPastWaitedFor) return;
    this.#spares.startFor(stuck, trouble);
  }

  #exited(subRuntime: SubRuntime, exit: ChildExit): void {
    const {meter, clock, started, functionServedAt} = this.#house;
    const {start, lastWords, ...how} = exit;
    this.#exitReports.add(subRuntime.pid, exit);
    const role = this.#processes.roleOf(subRuntime);
    this.#processes.remove(subRuntime);
    meter.runtimeExited(how.reason);
    const at = clock.monotonic();
    this.#history.see({type: 'exited', pid: subRuntime.pid, ...how, at, functionServedAt: functionServedAt()}, role === 'serving');
    if (start) started(start, false);
    if (role !== 'past') this.#fillAgain();
  }

  /** Either the process that served is gone, or the one that was to take over from it. */
  #fillAgain(): void {
    const {current, hasNext} = this.#processes;
    if (this.#stopping.signal.aborted || hasNext) return;
    if (current) {
      if (current.isStuck && !this.#spares.isStarting) this.#spares.failed(current);
    } else if (!this.#isStartingAgain) void this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const delayMs = this.#history.restartDelayMs();
    if (this.state.phase === 'gave-up') {
      this.#house.log.error({afterMs: delayMs}, 'The sub-runtime ends again and again: from now on a start is tried every 30 to 60 s');
      this.#house.gaveUp();
    }
    if (delayMs === undefined) return;
    this.#isStartingAgain = true;
    await this.#house.clock.sleep(delayMs, this.#stopping.signal);
    this.#isStartingAgain = false;
    await this.start();
  }
}
