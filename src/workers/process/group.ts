import {type ChildProcess, spawn} from 'node:child_process';
import type {Socket} from 'node:net';
import type {Readable} from 'node:stream';
import {callsDescriptor, reportsDescriptor} from '../descriptors.ts';
import type {Pipes} from '../output/output.ts';
import {whyNotStarted} from './not-started.ts';

export interface GroupOptions {
  readonly file: string;
  readonly missing?: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The user that the process runs as; undefined: that of the core. */
  readonly user: {readonly uid: number; readonly gid: number} | undefined;
  /** It inherits a descriptor for calls, beside the one for reports. */
  readonly hasCalls: boolean;
}

/** A process that leads a process group and a session of its own: signals reach the processes that it starts, too. */
export class ProcessGroup {
  readonly #process: ChildProcess | undefined;

  /** @param ended called once or twice, never before the constructor returns; `error`: the system could not start the process */
  constructor(options: GroupOptions, ended: (code: number | null, signal: string | null, error?: string) => void) {
    const refused = (error: Error) => ended(null, null, whyNotStarted(options, error));
    this.#process = started(options, refused);
    this.#process?.once('error', refused);
    this.#process?.once('exit', (code, signal) => ended(code, signal));
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get pipes(): Pipes {
    const report = (this.#process?.stdio?.[reportsDescriptor] ?? null) as Readable | null; // 'pipe' makes it a readable socket
    return {stdout: this.#process?.stdout ?? null, stderr: this.#process?.stderr ?? null, report};
  }

  /** Our end of its descriptor for calls, where it has one. */
  get calls(): Socket | undefined {
    return (this.#process?.stdio?.[callsDescriptor] ?? undefined) as Socket | undefined; // 'pipe' makes it a socket
  }

  /**
  Tells our bridges that the SIGTERM which follows is the core's. Others, such as a service manager, may send one before
  the last call. One on the channel stops at the end of its stream, too.
  */
  announceStop(): void {
    const reports = this.#process?.stdio[reportsDescriptor] as Socket | null | undefined; // 'pipe' makes it a socket, for both directions
    reports?.end();
    this.calls?.end();
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is empty already.
    }
  }
}

/** Node reports some refusals of the system by an event and throws others; here all are reported later. */
function started({file, args, environment, user, hasCalls}: GroupOptions, refused: (error: Error) => void): ChildProcess | undefined {
  try {
    return spawn(file, args, {
      env: environment,
      detached: true, // makes the session and the process group
      stdio: hasCalls ? ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe', 'pipe'],
      ...user,
    });
  } catch (error) {
    process.nextTick(() => refused(error as Error)); // the system's refusal is an Error
    return undefined;
  }
}
