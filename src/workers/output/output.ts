import type {Socket} from 'node:net';
import type {Readable} from 'node:stream';
import type {Clock} from '../../clock.ts';
import type {FunctionLine} from '../../log.ts';
import type {LineBudget} from './budget.ts';
import {readLines} from './lines.ts';
import {type Hearing, hearBridge, isLogRecord, longestRecordBytes} from './report.ts';

export interface Pipes {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The bridge's descriptor. */
  readonly report: Readable | null;
}

const tailBytes = 4096;
/** A process that left the group may hold the pipes open. When nothing has come for this long, the wait for their end is over. */
const silentMs = 250;
/** Silence is established by several looks: one alone may fall into a pause of this process. */
const lookMs = 50;
/** Longest wait, even if more still comes. */
const longestMs = 5000;

/** Everything that a process writes: its lines, within the budget, the reports of its bridge, and its last words. */
export class Output {
  readonly #line: (line: FunctionLine) => void;
  readonly #streams: readonly Readable[];
  readonly #ends: Promise<unknown>;
  readonly #budget: LineBudget;
  #tail = '';

  constructor({stdout, stderr, report}: Pipes, heard: Omit<Hearing, 'dropped'>, budget: LineBudget) {
    const hearing: Hearing = {...heard, dropped: lines => budget.drop(lines)};
    this.#line = hearing.line;
    this.#budget = budget;
    stderr?.on('data', (chunk: Buffer) => this.#remember(chunk.subarray(-tailBytes).toString('utf8')));
    if (stdout) readLines(stdout, line => this.#line({stream: 'stdout', line}), {budget, keepsRest: true});
    if (stderr) readLines(stderr, line => this.#line({stream: 'stderr', line}), {budget, keepsRest: true});
    if (report) readLines(report, line => this.#hear(line, hearing, budget), {longestBytes: longestRecordBytes});
    this.#streams = [stdout, stderr, report].filter(stream => stream !== null);
    this.#ends = Promise.all(this.#streams.map(stream => !stream.closed && closed(stream)));
  }

  /**
  The process is gone: reads what is still in its pipes and closes them. An orphan that left its process group may hold them
  open; what it writes from then on is not read.

  @returns the end of what was written to stderr, at most 4 KB
  */
  async lastWords(clock: Clock): Promise<string> {
    const over = new AbortController();
    await Promise.race([this.#ends, this.#silence(clock, over.signal)]);
    over.abort();
    for (const stream of this.#streams) stream.destroy();
    await this.#ends; // a line without an end is handed on as its stream closes
    this.#budget.tell();
    return this.#tail;
  }

  /** Resolves when nothing has come for a while, or when something has come for too long. */
  async #silence(clock: Clock, over: AbortSignal): Promise<void> {
    let known = this.#bytesRead;
    let silentFor = 0;
    for (let waitedMs = 0; waitedMs < longestMs && silentFor < silentMs; waitedMs += lookMs) {
      await clock.sleep(lookMs, over);
      await clock.turn(); // this process may have been paused itself: read first what came meanwhile
      silentFor = this.#bytesRead === known ? silentFor + lookMs : 0;
      known = this.#bytesRead;
    }
  }

  get #bytesRead(): number {
    return this.#streams.reduce((sum, stream) => sum + ((stream as Socket).bytesRead ?? 0), 0); // pipes are sockets
  }

  /** Reports of the bridge about itself are always read; lines take from the budget. */
  #hear(text: string, hearing: Hearing, budget: LineBudget): void {
    if (isLogRecord(text) && !budget.take(text.length)) {
      budget.drop(1);
      return;
    }
    hearBridge(text, {
      ...hearing,
      line: line => {
        if (line.stream === 'stderr') this.#remember(`${line.stack ?? line.line}\n`);
        this.#line(line);
      },
    });
  }

  #remember(text: string): void {
    this.#tail = (this.#tail + text).slice(-tailBytes);
  }
}

const closed = (stream: Readable) => new Promise<void>(resolve => stream.once('close', resolve));
