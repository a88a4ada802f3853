import {type ChildProcess, spawn} from 'node:child_process';
import path from 'node:path';
import type {Readable} from 'node:stream';
import type {Clock} from '../clock.ts';
import type {ExitReason, Fact} from '../facts.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {Command, StartRecord} from '../runtime.ts';
import {decide, describeExit, evolve, initial, type LifecycleState, restartDelayMs, type Seen} from './lifecycle.ts';
import {readLines} from './logs.ts';
import {accepts} from './port.ts';
import {hearBridge, type LoadReport, longestRecordBytes} from './report.ts';

export interface SupervisorOptions {
  readonly command: Command;
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly startTimeoutMs: number;
}

/** What the supervisor tells whoever owns the calls. */
export interface SupervisorEvents {
  /** It takes calls. */
  ready(start: StartRecord): void;
  lost(reason: string): void;
  gaveUp(): void;
  facts(facts: readonly [Fact, ...Fact[]]): void;
  line(line: FunctionLine): void;
  /** It ended before it was ready. */
  notReady(start: StartRecord): void;
}

/** After TERM, the process group gets this long before KILL. */
const stopMs = 5000;
const portPollMs = 10;

/** Keeps one sub-runtime running: spawns it, waits until it is ready, starts it again when it ends, stops it. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #events: SupervisorEvents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #meter: Meter;
  readonly #stopping = new AbortController();
  #state: LifecycleState = initial;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions, events: SupervisorEvents, house: {clock: Clock; log: Log; meter: Meter}) {
    this.#options = options;
    this.#events = events;
    this.#clock = house.clock;
    this.#log = house.log;
    this.#meter = house.meter;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const {command, environment} = this.#options;
    const executable = path.basename(command.file);
    const startedAt = this.#clock.now();
    const started = this.#clock.monotonic();
    let readyAt: number | undefined;

    this.#see({type: 'spawned', executable});
    const child = spawn(command.file, command.args, {
      env: environment,
      detached: true, // a process group of its own: signals reach its children too
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    const isOver = new AbortController();
    const begun = () => ({executable, pid: child.pid, startedAt, endedAt: this.#clock.now()});

    const ready = ({loaded, error, runtime}: LoadReport) => {
      if (isOver.signal.aborted || readyAt !== undefined) return;
      readyAt = this.#clock.monotonic();
      const bootMs = readyAt - started;
      this.#meter.runtimeReady(bootMs / 1000);
      this.#see({type: 'reported', loaded, bootMs, ...(error !== undefined && {error})});
      if (!loaded) this.#log.error({pid: child.pid, cause: error}, 'The handler could not be loaded');
      this.#events.ready({...begun(), ...(error !== undefined && {error}), ...(runtime !== undefined && {runtime})});
    };

    if (child.stdout) readLines(child.stdout, line => this.#events.line({stream: 'stdout', line}));
    if (child.stderr) readLines(child.stderr, line => this.#events.line({stream: 'stderr', line}));
    const report = child.stdio[3];
    // 'pipe' makes it a readable socket
    if (report) readLines(report as Readable, line => hearBridge(line, ready, this.#events.line), longestRecordBytes);
    if (command.readiness === 'port') void this.#awaitPort(isOver.signal).then(accepts => accepts && ready({loaded: true}));

    const stopStartTimer = this.#clock.after(this.#options.startTimeoutMs, () => {
      if (readyAt === undefined) {
        neverReady = true;
        this.#signalGroup(child, 'SIGKILL');
      }
    });
    let neverReady = false;
    const {promise: gone, resolve: tellGone} = Promise.withResolvers<void>();
    this.#gone = gone;

    const over = (code: number | null, signal: string | null, reason: ExitReason, error?: string) => {
      if (isOver.signal.aborted) return;
      isOver.abort();
      stopStartTimer();
      this.#signalGroup(child, 'SIGKILL'); // what it forked must not outlive it
      const told = describeExit(reason, code, signal, error);
      if (readyAt === undefined) this.#events.notReady({...begun(), exitCode: code, error: told});
      this.#ended({code, signal, reason, upMs: readyAt === undefined ? 0 : this.#clock.monotonic() - readyAt}, told);
      tellGone();
    };
    child.once('error', error => over(null, null, 'unspawnable', error.message));
    child.once('exit', (code, signal) => {
      const natural = signal === null ? 'exited' : 'signalled';
      over(code, signal, this.#stopping.signal.aborted ? 'stopped' : neverReady ? 'never-ready' : natural);
    });
  }

  /** TERM to the process group, KILL when it has not ended after 5 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (!child) return;
    this.#signalGroup(child, 'SIGTERM');
    const cancelKill = this.#clock.after(stopMs, () => this.#signalGroup(child, 'SIGKILL'));
    await this.#gone;
    cancelKill();
  }

  /** KILL to the process group, at once. */
  kill(): void {
    this.#stopping.abort();
    if (this.#child) this.#signalGroup(this.#child, 'SIGKILL');
  }

  #ended(exit: {code: number | null; signal: string | null; reason: ExitReason; upMs: number}, told: string): void {
    this.#child = undefined;
    this.#meter.runtimeExited(exit.reason);
    this.#see({type: 'exited', ...exit, at: this.#clock.monotonic()});
    this.#events.lost(told);
    if (exit.reason === 'stopped') return;
    this.#log.error({reason: exit.reason}, told);
    if (this.#state.phase === 'gave-up') {
      this.#log.error({}, 'The sub-runtime is not started again');
      this.#events.gaveUp();
      return;
    }
    const delayMs = restartDelayMs(this.#state, Math.random());
    if (delayMs !== undefined) void this.#startAgain(delayMs);
  }

  async #startAgain(delayMs: number): Promise<void> {
    if (await this.#clock.sleep(delayMs, this.#stopping.signal)) this.start();
  }

  #see(seen: Seen): void {
    const facts = decide(this.#state, seen);
    for (const fact of facts) this.#state = evolve(this.#state, fact, this.#clock.monotonic());
    this.#events.facts(facts);
  }

  async #awaitPort(over: AbortSignal): Promise<boolean> {
    const {host, port} = this.#options;
    while (!over.aborted) {
      if (await accepts(host, port)) return !over.aborted;
      await this.#clock.sleep(portPollMs, over);
    }
    return false;
  }

  #signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group is empty already.
    }
  }
}
