import {type ChildProcess, fork} from 'node:child_process';
import type {Readiness} from '../admin/readiness.ts';
import type {Clock} from '../clock.ts';
import type {Journal} from '../journal.ts';
import {readLines} from '../lines.ts';
import type {Log} from '../log.ts';
import type {DrainReport} from '../observe/metrics.ts';
import type {Family} from '../observe/open-metrics.ts';
import {Channel} from './channel.ts';
import type {ToLeader, ToSibling, WrittenRecord} from './words.ts';

/** In a sibling's environment its leader's boot, by which the watchdog knows it; the function does not see it. */
export const leaderName = 'CORE_RUNTIME_LEADER';

export interface SiblingsOptions {
  readonly count: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly graceMs: number;
}

export interface SiblingsHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  /** A line of a sibling's log, a whole record already. */
  line(text: string): void;
  /** They end when this process does, however that comes about. */
  readonly watchdog: {watch(group: number): void; forget(group: number): void};
}

/** How long after its end a sibling is started again, and the longest such time. */
const againMs = 200;
const longestAgainMs = 10_000;
/** Up for this long, and the next start waits no longer than the first did. */
const stableMs = 30_000;
/** Whoever does not say by then whether it is ready is not. */
const askMs = 2000;
/** A record of a sibling's log that is longer comes in parts, which are no JSON; one that a function can cause is much shorter. */
const longestRecordBytes = 8 * 2 ** 20;
/** What a sibling has after its grace time before it is killed. */
const lateMs = 5000;

/** The core processes beside this one, which leads: all serve one port. */
export class Siblings implements AsyncDisposable {
  readonly #options: SiblingsOptions;
  readonly #house: SiblingsHouse;
  readonly #all = new Set<Sibling>();
  readonly #stopping = new AbortController();
  #reports: Promise<(DrainReport | undefined)[]> | undefined;

  constructor(options: SiblingsOptions, house: SiblingsHouse) {
    this.#options = options;
    this.#house = house;
  }

  /** Starts them. Resolves when every one has taken its first breath: it listens, or it ended. */
  async start(env: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all(Array.from({length: this.#options.count}, () => this.#keepOne({...this.#options.env, ...env})));
  }

  async readiness(): Promise<readonly Readiness[]> {
    const unready: Readiness = {ready: false, phase: 'restarting', cause: 'a core process is being started again'};
    const answers = await Promise.all([...this.#all].map(sibling => this.#inTime(sibling.ask('readiness'), unready)));
    return [...answers, ...Array.from({length: this.#options.count - this.#all.size}, () => unready)];
  }

  async families(): Promise<readonly (readonly Family[])[]> {
    return Promise.all([...this.#all].map(sibling => this.#inTime<readonly Family[]>(sibling.ask('metrics'), [])));
  }

  /** One after the other. @returns undefined, or why the code of before serves on in one of them */
  async reload(): Promise<string | undefined> {
    for (const sibling of this.#all) {
      const problem = await sibling.ask('reload').catch((error: Error) => error.message);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** Lets all of them drain, each in its own grace time; a second call gives what the first began. */
  stop(): Promise<(DrainReport | undefined)[]> {
    this.#stopping.abort();
    this.#reports ??= Promise.all([...this.#all].map(sibling => this.#stopOne(sibling)));
    return this.#reports;
  }

  /** KILL, at once. */
  kill(): void {
    this.#stopping.abort();
    for (const sibling of this.#all) sibling.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stopOne(sibling: Sibling): Promise<DrainReport | undefined> {
    const {clock} = this.#house;
    const stopTimer = clock.after(this.#options.graceMs + lateMs, () => sibling.kill());
    const report = await sibling.ask('stop').catch(() => undefined);
    sibling.disconnect();
    await sibling.ended;
    stopTimer();
    return report;
  }

  /** Starts one, and another when it ends. Resolves at the first breath of the first. */
  async #keepOne(env: Readonly<Record<string, string | undefined>>, waitedMs = 0): Promise<void> {
    const {clock, log, watchdog} = this.#house;
    const sibling = new Sibling(env, this.#house);
    const startedAt = clock.monotonic();
    this.#all.add(sibling);
    if (sibling.pid !== undefined) watchdog.watch(sibling.pid);
    void sibling.ended.then(async () => {
      this.#all.delete(sibling);
      if (sibling.pid !== undefined) watchdog.forget(sibling.pid);
      if (this.#stopping.signal.aborted) return;
      const isStable = clock.monotonic() - startedAt >= stableMs;
      const nextMs = isStable || waitedMs === 0 ? againMs : Math.min(2 * waitedMs, longestAgainMs);
      log.error({pid: sibling.pid, afterMs: nextMs}, 'A core process ended: it is started again');
      if (await clock.sleep(nextMs, this.#stopping.signal)) void this.#keepOne(env, nextMs);
    });
    await sibling.listening;
  }

  /** What is asked, or else `otherwise` when there is no answer soon. */
  #inTime<T>(asked: Promise<T>, otherwise: T): Promise<T> {
    const {promise, resolve} = Promise.withResolvers<T>();
    const stopTimer = this.#house.clock.after(askMs, () => resolve(otherwise));
    asked.then(resolve, () => resolve(otherwise)).finally(stopTimer);
    return promise;
  }
}

/** One core process beside this one. */
class Sibling {
  /** Resolves when it listens, or has ended. */
  readonly listening: Promise<void>;
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #channel: Channel<ToSibling, ToLeader>;

  constructor(env: Readonly<Record<string, string | undefined>>, {journal, line}: SiblingsHouse) {
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.listening = listening.promise;
    this.ended = ended.promise;
    this.#process = fork(new URL('../sibling.ts', import.meta.url), {
      env,
      detached: true, // a group of its own, which the watchdog ends
      serialization: 'advanced', // facts may carry bytes
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const wire = {
      send: (message: object) => void (this.#process.connected && this.#process.send(message)),
      on: (event: 'message', listener: (message: unknown) => void) => this.#process.on(event, listener),
    };
    this.#channel = new Channel<ToSibling, ToLeader>(wire, {
      listening() {
        listening.resolve();
        return undefined;
      },
      append: ({stream, facts, options}) => journal.append(stream, facts, options),
      record({text, payloads}) {
        const records: WrittenRecord[] = JSON.parse(text);
        for (const [index, [stream, facts]] of records.entries()) journal.record(stream, facts, payloads.get(index));
        return undefined;
      },
    });
    if (this.#process.stdout) readLines(this.#process.stdout, line, {longestBytes: longestRecordBytes});
    const end = () => {
      this.#channel.close();
      listening.resolve();
      ended.resolve();
    };
    this.#process.once('exit', end);
    this.#process.once('error', end); // it could not be started
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  ask<K extends keyof ToSibling>(question: K): Promise<ToSibling[K][1]> {
    return this.#channel.ask(question, undefined);
  }

  disconnect(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
