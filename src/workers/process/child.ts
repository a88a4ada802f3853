import {type ChildProcess, spawn} from 'node:child_process';
import type {Socket} from 'node:net';
import path from 'node:path';
import type {Readable} from 'node:stream';
import type {Clock} from '../../clock.ts';
import type {ExitReason} from '../../facts.ts';
import type {FunctionLine} from '../../log.ts';
import type {Command, StartRecord} from '../../runtime.ts';
import type {OomCounter} from '../memory/cgroup.ts';
import {MemoryLimit} from '../memory/limit.ts';
import {LineBudget, logBytesPerSecond} from '../output/budget.ts';
import {Output} from '../output/output.ts';
import type {LoadReport} from '../output/report.ts';
import {describeExit} from './lifecycle.ts';
import {awaitListener} from './listener.ts';

export interface ChildOptions {
  readonly command: Command;
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly startTimeoutMs: number;
  /** Whom the child runs as; undefined: as the core. */
  readonly user: {readonly uid: number; readonly gid: number} | undefined;
  /** Resident bytes past which it is ended; undefined: no limit. */
  readonly memoryBytes: number | undefined;
}

export interface ChildEvents {
  /** It listens. `loaded` false: it answers every call with the reason. */
  ready(report: LoadReport, start: StartRecord): void;
  exited(exit: ChildExit): void;
  line(line: FunctionLine): void;
  /** It wrote more than its budget; told at most once a second. */
  linesDropped(lines: number): void;
  /** A call whose caller had left came to its end. */
  settled(invocationId: string): void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: ExitReason;
  /** What the system said when it could not be started. */
  readonly error?: string;
  /** 0 when it never was ready. */
  readonly upMs: number;
  /** The end of what it wrote to stderr, at most 4 KB; it may still be on its way. */
  readonly lastWords: Promise<string>;
  /** Set when it ended before it was ready. */
  readonly start: StartRecord | undefined;
}

/** One process of a sub-runtime, from its spawn to its exit, with its process group. */
export class Child {
  readonly #options: ChildOptions;
  readonly #events: ChildEvents;
  readonly #clock: Clock;
  readonly #memory: MemoryLimit;
  readonly #process: ChildProcess | undefined;
  readonly #output: Output;
  readonly #over = new AbortController();
  readonly #exit = Promise.withResolvers<void>();
  readonly #startedAt: number;
  #readyAt: number | undefined;
  /** What a sub-runtime that is not ours said of its handler. */
  #heard: LoadReport | undefined;
  /** Why we ended it, when we did. */
  #verdict: ExitReason | undefined;

  constructor(options: ChildOptions, events: ChildEvents, {clock, ooms}: {clock: Clock; ooms: OomCounter}) {
    const {command, startTimeoutMs, memoryBytes} = options;
    this.#options = options;
    this.#events = events;
    this.#clock = clock;
    this.#memory = new MemoryLimit(ooms, clock);
    this.#startedAt = clock.now();
    this.#process = this.#spawn();
    this.#output = this.#readOutput();
    if (command.readiness === 'port') void this.#awaitPort();
    if (memoryBytes !== undefined && this.pid !== undefined) {
      this.#memory.limit(this.pid, memoryBytes, () => this.end('oom'));
    }
    const stopTimer = clock.after(startTimeoutMs, () => {
      if (this.#readyAt === undefined) this.end('never-ready');
    });
    this.#over.signal.addEventListener('abort', stopTimer);
    this.#process?.once('error', error => this.#ended(null, null, error.message));
    this.#process?.once('exit', (code, signal) => this.#ended(code, signal));
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get executable(): string {
    return path.basename(this.#options.command.file);
  }

  /** Resolves when it is gone. */
  get exit(): Promise<void> {
    return this.#exit.promise;
  }

  /** TERM to the process group, KILL when it has not ended after `graceMs`. */
  async stop(reason: ExitReason, graceMs: number): Promise<void> {
    this.#verdict ??= reason;
    this.#letGo();
    this.#signalGroup('SIGTERM');
    const stopTimer = this.#clock.after(graceMs, () => this.#signalGroup('SIGKILL'));
    await this.exit;
    stopTimer();
  }

  /** KILL to the process group, at once. */
  end(reason: ExitReason): void {
    this.#verdict ??= reason;
    this.#signalGroup('SIGKILL');
  }

  /** Node tells some refusals of the system by an event and throws others: here all come later, as the end of the process. */
  #spawn(): ChildProcess | undefined {
    const {command, environment, user} = this.#options;
    try {
      return spawn(command.file, command.args, {
        env: environment,
        detached: true, // a session and process group of its own: signals reach its children too
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        ...user,
      });
    } catch (error) {
      process.nextTick(() => this.#ended(null, null, (error as Error).message)); // the system's refusal is an Error
      return undefined;
    }
  }

  #readOutput(): Output {
    const report = (this.#process?.stdio?.[3] ?? null) as Readable | null; // 'pipe' makes it a readable socket
    const pipes = {stdout: this.#process?.stdout ?? null, stderr: this.#process?.stderr ?? null, report};
    const {line, settled, linesDropped} = this.#events;
    const budget = new LineBudget({bytesPerSecond: logBytesPerSecond, onDropped: linesDropped}, this.#clock);
    return new Output(pipes, {report: heard => this.#hear(heard), line, settled}, budget);
  }

  async #awaitPort(): Promise<void> {
    const {host, port} = this.#options;
    if (this.pid !== undefined && (await awaitListener({host, port, group: this.pid}, this.#clock, this.#over.signal)))
      this.#ready(this.#heard ?? {loaded: true});
  }

  /** Our bridges report once they listen; what another says before that counts from then on. */
  #hear(report: LoadReport): void {
    if (this.#options.command.readiness === 'report') this.#ready(report);
    else this.#heard ??= report;
  }

  #ready(report: LoadReport): void {
    if (this.#over.signal.aborted || this.#readyAt !== undefined) return;
    this.#readyAt = this.#clock.monotonic();
    const {error, runtime} = report;
    this.#events.ready(report, {
      ...this.#begun(),
      ...(error !== undefined && {error, failure: 'not-loaded'}),
      ...(runtime !== undefined && {runtime}),
    });
  }

  #begun() {
    return {executable: this.executable, pid: this.pid, startedAt: this.#startedAt, endedAt: this.#clock.now()};
  }

  #ended(code: number | null, signal: string | null, error?: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#signalGroup('SIGKILL'); // what it forked must not outlive it
    const reason = this.#verdict ?? this.#judge(code, signal, error);
    this.#memory.close();
    this.#events.exited({
      code,
      signal,
      reason,
      ...(error !== undefined && {error}),
      upMs: this.#readyAt === undefined ? 0 : this.#clock.monotonic() - this.#readyAt,
      lastWords: this.#output.lastWords(this.#clock),
      start:
        this.#readyAt === undefined
          ? {
              ...this.#begun(),
              exitCode: code,
              failure: reason,
              error: describeExit({reason, code, signal, ...(error !== undefined && {error})}),
            }
          : undefined,
    });
    this.#exit.resolve();
  }

  #judge(code: number | null, signal: string | null, error: string | undefined): ExitReason {
    if (error !== undefined) return 'unspawnable';
    if (signal === 'SIGKILL' && this.#memory.wasExceeded) return 'oom';
    if (signal !== null) return 'signal';
    return code === 0 ? 'exit-zero' : 'exit-nonzero';
  }

  /** Tells our bridges that this SIGTERM is the core's: who else sends one, such as a service manager, sends it before the last call. */
  #letGo(): void {
    const channel = this.#process?.stdio[3] as Socket | null | undefined; // 'pipe' makes it a socket, for both directions
    channel?.end();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is empty already.
    }
  }
}
