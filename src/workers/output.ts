import type {Readable} from 'node:stream';
import {readLines} from '../lines.ts';
import type {FunctionLine} from '../log.ts';
import type {LineBudget} from './budget.ts';
import {type Hearing, hearBridge, isLogRecord, longestRecordBytes} from './report.ts';

export interface Pipes {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The bridge's descriptor. */
  readonly report: Readable | null;
}

const tailBytes = 4096;

/** Everything that a process writes: its lines, as far as their budget goes, what its bridge says, and its last words. */
export class Output {
  readonly #line: (line: FunctionLine) => void;
  readonly #ends: Promise<unknown>;
  #tail = '';

  constructor({stdout, stderr, report}: Pipes, heard: Omit<Hearing, 'dropped'>, budget: LineBudget) {
    const hearing: Hearing = {...heard, dropped: lines => budget.drop(lines)};
    this.#line = hearing.line;
    stderr?.on('data', (chunk: Buffer) => this.#remember(chunk.subarray(-tailBytes).toString('utf8')));
    if (stdout) readLines(stdout, line => this.#line({stream: 'stdout', line}), {budget});
    if (stderr) readLines(stderr, line => this.#line({stream: 'stderr', line}), {budget});
    if (report) readLines(report, line => this.#hear(line, hearing, budget), {longestBytes: longestRecordBytes});
    this.#ends = Promise.all([stdout, stderr, report].map(stream => stream && !stream.closed && closed(stream)));
  }

  /**
  The end of what it wrote to stderr, at most 4 KB.

  @param timeUp resolves when a pipe that something else holds open is not waited for any longer
  */
  async lastWords(timeUp: Promise<unknown>): Promise<string> {
    await Promise.race([this.#ends, timeUp]);
    return this.#tail;
  }

  /** What a bridge says of itself is always heard; lines cost their budget. */
  #hear(text: string, hearing: Hearing, budget: LineBudget): void {
    if (isLogRecord(text) && !budget.take(text.length)) {
      budget.drop(1);
      return;
    }
    hearBridge(text, {
      ...hearing,
      line: line => {
        if (line.stream === 'stderr') this.#remember(`${line.line}\n`);
        this.#line(line);
      },
    });
  }

  #remember(text: string): void {
    this.#tail = (this.#tail + text).slice(-tailBytes);
  }
}

const closed = (stream: Readable) => new Promise<void>(resolve => stream.once('close', resolve));
