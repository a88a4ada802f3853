import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {systemClock} from '../../src/clock.ts';
import {projectFile} from '../../test/helpers/core.ts';
import {endWithUs, newPort} from '../servers.ts';
import {call, hungMs} from './callers.ts';
import {look, type Sample, Watch} from './watch.ts';

/** Another gateway than ours: how it is started, and where it listens. */
export interface Other {
  readonly command: readonly [string, ...string[]];
  readonly url: string;
}

const host = '127.0.0.1';
const startMs = 60_000;
const pollMs = 50;
/** As `sh -c`: the process that it becomes has the limit. */
const limited = (descriptors: number) => ['/bin/sh', '-c', `ulimit -n ${descriptors} && exec "$0" "$@"`] as const;

export interface GatewayOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly descriptors?: number | undefined;
  readonly other?: Other | undefined;
}

/** The gateway under test. It may be stopped and started again on its port. */
export class Gateway implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The private listener of our core. */
  readonly adminUrl: string;
  readonly #watch = new Watch();
  readonly #options: GatewayOptions;
  readonly #adminPort: number;
  #process: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options, await newPort(), await newPort());
    try {
      await gateway.start();
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  private constructor(options: GatewayOptions, port: number, adminPort: number) {
    this.url = options.other?.url ?? `http://${host}:${port}/`;
    this.port = Number(new URL(this.url).port) || 80;
    this.adminUrl = `http://${host}:${adminPort}/`;
    this.#options = options;
    this.#adminPort = adminPort;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get isDead(): boolean {
    return this.#process?.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Not a number when it is gone. */
  get descriptors(): number {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length;
    } catch {
      return Number.NaN;
    }
  }

  /** @throws Error when no call was answered 2xx within a minute */
  async start(): Promise<void> {
    const {env, descriptors, other} = this.#options;
    const command = other?.command ?? [process.execPath, projectFile('src/main.ts')];
    const [file, ...args] = descriptors === undefined ? command : [...limited(descriptors), ...command];
    const {PATH = '', HOME = ''} = process.env;
    const ours = {
      PORT: String(this.port),
      CORE_ADMIN_PORT: String(this.#adminPort),
      CORE_JOURNAL: 'memory:',
      SCW_UPSTREAM_PORT: '0',
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('bench/functions/torture.cjs'),
    };
    this.#process = spawn(file ?? '', args, {env: {PATH, HOME, ...ours, ...env}, stdio: ['ignore', 'ignore', 'inherit']});
    endWithUs(this.#process);
    this.#ended = once(this.#process, 'exit');
    if (!(await this.answersWithin(startMs))) throw new Error(`The gateway does not answer at ${this.url}`);
  }

  /** Milliseconds until a call was answered 2xx; undefined when none was. */
  async answersWithin(ms: number): Promise<number | undefined> {
    const sinceMs = systemClock.monotonic();
    while (systemClock.monotonic() - sinceMs < ms && !this.isDead) {
      if ((await call(this.url)) === 'good') return systemClock.monotonic() - sinceMs;
      await systemClock.sleep(pollMs);
    }
    return undefined;
  }

  /** TERM, and KILL when it has not ended after 30 s. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM');
    const stopTimer = systemClock.after(hungMs, () => this.#process?.kill('SIGKILL'));
    await this.#ended;
    stopTimer();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Its processes of now. */
  look(): Sample {
    return look(this.pid);
  }

  /** The same, for its peaks: at regular times. */
  sample(): Sample {
    return this.#watch.sample(this.pid);
  }

  /** What was seen until now. */
  get peaks(): Readonly<Watch> {
    return this.#watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isDead) await this.stop();
    this.#watch.endLeft();
  }
}
