import {type ChildProcess, spawn} from 'node:child_process';
import type {Socket} from 'node:net';
import type {Readable} from 'node:stream';
import type {FunctionLine} from '../../log.ts';

export interface ProgramOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly line: (line: FunctionLine) => void;
}

/** What it reported about its handler, not checked yet. */
export type Report = Readonly<Record<string, unknown>>;

/** The descriptors beside stdio. */
export const descriptors = {CORE_BRIDGE_FD: '3', CORE_CALLS_FD: '4'} as const;

/** A process with both descriptors of the core. It leads a process group, which ends with it. */
export class Program {
  readonly #process: ChildProcess;
  readonly #report = Promise.withResolvers<Report>();
  /** What ended it: a signal, or `exit code N`. */
  readonly ended: Promise<string>;

  constructor({command: [file, ...args], environment, line}: ProgramOptions) {
    const child = spawn(file, args, {
      env: {...environment, ...descriptors},
      detached: true, // makes the process group
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    const {promise, resolve} = Promise.withResolvers<string>();
    this.ended = promise;
    child.once('error', error => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    for (const stream of ['stdout', 'stderr'] as const) readLines(child[stream], text => line({stream, line: text}));
    readLines(child.stdio[3] as Readable | null, text => this.#hear(text, line)); // 'pipe' makes it a readable socket
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The core's end of the channel. */
  get calls(): Socket {
    return this.#process.stdio[4] as Socket; // 'pipe' makes it a socket, for both directions
  }

  get report(): Promise<Report> {
    return this.#report.promise;
  }

  /** Ends the core's side of the descriptor for reports, as the core does right before its SIGTERM. */
  letGo(): void {
    (this.#process.stdio[3] as Socket).end(); // as above
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, signal);
    } catch {
      // The group is empty already.
    }
  }

  #hear(text: string, line: (line: FunctionLine) => void): void {
    const record: Report = Object(parsed(text));
    if (typeof record.loaded === 'boolean') this.#report.resolve(record);
    if (record.log) line(record.log as FunctionLine); // cases only search it for texts
  }
}

function readLines(stream: Readable | null, line: (text: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(line);
  });
  stream?.on('error', () => {}); // it ends with the process
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
