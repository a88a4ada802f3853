import type {Socket} from 'node:net';
import path from 'node:path';
import type {Clock} from '../../clock.ts';
import type {ExitReason} from '../../facts.ts';
import type {FunctionLine} from '../../log.ts';
import type {Command, StartRecord} from '../../runtime.ts';
import type {OomCounter} from '../memory/cgroup.ts';
import {MemoryLimit} from '../memory/limit.ts';
import {LineBudget, logBytesPerSecond} from '../output/budget.ts';
import {Output} from '../output/output.ts';
import type {LoadReport} from '../output/report.ts';
import {describeExit} from './exit.ts';
import {ProcessGroup} from './group.ts';
import {awaitListener} from './listener.ts';

export interface ChildOptions {
  readonly command: Command;
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly startTimeoutMs: number;
  /** The user that the child runs as; undefined: that of the core. */
  readonly user: {readonly uid: number; readonly gid: number} | undefined;
  /** When its resident memory grows past this it is ended; undefined: no limit. */
  readonly memoryBytes: number | undefined;
  /** True: it is offered the channel. */
  readonly hasCalls: boolean;
}

export interface ChildEvents {
  /** Called when it listens. `loaded: false`: its handler could not be loaded, and it answers every call with the reason. */
  ready(report: LoadReport, start: StartRecord): void;
  exited(exit: ChildExit): void;
  line(line: FunctionLine): void;
  /** Called when its port accepts. @returns false: it is ended, as others reach it there, too */
  mayServe(port: number): boolean;
  /** Called when it wrote more than its budget, at most once a second. */
  linesDropped(lines: number): void;
  /** Called when a call whose caller had left has ended. */
  settled(invocationId: string): void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: ExitReason;
  /** The system's message when it could not start the process. */
  readonly error?: string;
  /** 0 when it was never ready. */
  readonly upMs: number;
  /** The end of what it wrote to stderr, at most 4 KB. The text may still be on its way. */
  readonly lastWords: Promise<string>;
  /** Set when it ended before it was ready. */
  readonly start: StartRecord | undefined;
}

/** One process of a sub-runtime from its spawn to its exit: when it is ready, what it writes, its memory, and why it ended. */
export class Child {
  readonly #options: ChildOptions;
  readonly #events: ChildEvents;
  readonly #clock: Clock;
  readonly #memory: MemoryLimit;
  readonly #group: ProcessGroup;
  readonly #output: Output;
  readonly #over = new AbortController();
  readonly #exit = Promise.withResolvers<void>();
  /** Wall time. */
  readonly startedAt: number;
  /** Wall time; undefined until it is ready. */
  readyAt: number | undefined;
  #readyAt: number | undefined;
  /** What a foreign sub-runtime reported about its handler before its port accepted. */
  #heard: LoadReport | undefined;
  /** Why we ended it, if we did. */
  #verdict: ExitReason | undefined;

  constructor(options: ChildOptions, events: ChildEvents, {clock, ooms}: {clock: Clock; ooms: OomCounter}) {
    const {command, environment, user, startTimeoutMs, memoryBytes, hasCalls} = options;
    this.#options = options;
    this.#events = events;
    this.#clock = clock;
    this.#memory = new MemoryLimit(ooms, clock);
    this.startedAt = clock.now();
    this.#group = new ProcessGroup({...command, environment, user, hasCalls}, (code, signal, error) => this.#ended(code, signal, error));
    this.#output = this.#readOutput();
    if (command.readiness === 'port') void this.#awaitPort();
    if (memoryBytes !== undefined && this.pid !== undefined) {
      this.#memory.limit(this.pid, memoryBytes, () => this.end('oom'));
    }
    const stopTimer = clock.after(startTimeoutMs, () => {
      if (this.#readyAt === undefined) this.end('never-ready');
    });
    this.#over.signal.addEventListener('abort', stopTimer);
  }

  get pid(): number | undefined {
    return this.#group.pid;
  }

  /** Our end of the descriptor for calls. */
  get calls(): Socket | undefined {
    return this.#group.calls;
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
    this.#group.announceStop();
    this.#group.signal('SIGTERM');
    const stopTimer = this.#clock.after(graceMs, () => this.#group.signal('SIGKILL'));
    await this.exit;
    stopTimer();
  }

  /** KILL to the process group, at once. */
  end(reason: ExitReason): void {
    this.#verdict ??= reason;
    this.#group.signal('SIGKILL');
  }

  #readOutput(): Output {
    const {line, settled, linesDropped} = this.#events;
    const budget = new LineBudget({bytesPerSecond: logBytesPerSecond, onDropped: linesDropped}, this.#clock);
    return new Output(this.#group.pipes, {report: heard => this.#hear(heard), line, settled}, budget);
  }

  async #awaitPort(): Promise<void> {
    const {host, port} = this.#options;
    if (this.pid === undefined || !(await awaitListener({host, port, group: this.pid}, this.#clock, this.#over.signal))) return;
    if (this.#events.mayServe(port)) this.#ready(this.#heard ?? {loaded: true});
    else this.end('exposed');
  }

  /** Our bridges report once they listen. A foreign sub-runtime may report before it does; that counts once its port accepts. */
  #hear(report: LoadReport): void {
    if (this.#options.command.readiness === 'report' || report.isOnChannel) this.#ready(report);
    else this.#heard ??= report;
  }

  #ready(report: LoadReport): void {
    if (this.#over.signal.aborted || this.#readyAt !== undefined) return;
    this.#readyAt = this.#clock.monotonic();
    this.readyAt = this.#clock.now();
    if (!report.isOnChannel) this.#group.calls?.destroy();
    const {error, runtime, isOnChannel} = report;
    this.#events.ready(report, {
      ...this.#begun(),
      ...(error !== undefined && {error, failure: 'not-loaded'}),
      ...(runtime !== undefined && {runtime}),
      ...(isOnChannel && {isOnChannel}),
    });
  }

  #begun() {
    return {executable: this.executable, pid: this.pid, startedAt: this.startedAt, endedAt: this.#clock.now()};
  }

  #ended(code: number | null, signal: string | null, error?: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#group.signal('SIGKILL'); // the processes that it forked must not outlive it
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
}
