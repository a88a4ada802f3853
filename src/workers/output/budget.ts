import type {Clock} from '../../clock.ts';

export interface LineBudgetOptions {
  readonly bytesPerSecond: number;
  /** Called once a second at most, with the lines that were dropped since. */
  readonly onDropped: (lines: number) => void;
}

/**
What one process may write to the log. 16 MiB a second are more than anybody reads, and leave room for a line of 10 MB. It
would take far more to make the core slow to answer.
*/
export const logBytesPerSecond = 16 * 2 ** 20;

/**
A record of the log costs more than its text: `yes` writes two bytes a line. With this many bytes for each record, a flood of
empty lines makes some 32,000 records a second, a sixth of a processor. With 128 bytes it took two thirds, and replies waited.
*/
const lineBytes = 512;
const periodMs = 1000;

/** How much of a process's output is logged. Lines past the budget are dropped whole, and counted. */
export class LineBudget {
  readonly #clock: Clock;
  readonly #options: LineBudgetOptions;
  #endsAt = 0;
  #leftBytes = 0;
  #dropped = 0;
  #stopTimer = () => {};

  constructor(options: LineBudgetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** @returns false when the line is to be dropped */
  take(bytes: number): boolean {
    const now = this.#clock.monotonic();
    if (now >= this.#endsAt) {
      this.#endsAt = now + periodMs;
      this.#leftBytes = this.#options.bytesPerSecond;
    }
    if (this.#leftBytes <= 0) return false;
    this.#leftBytes -= bytes + lineBytes;
    return true;
  }

  drop(lines: number): void {
    if (lines === 0) return;
    if (this.#dropped === 0) this.#stopTimer = this.#clock.after(periodMs, () => this.tell());
    this.#dropped += lines;
  }

  /** Reports lines that were dropped and not reported yet: the process is gone, and the core may be about to end. */
  tell(): void {
    const lines = this.#dropped;
    if (lines === 0) return;
    this.#stopTimer();
    this.#dropped = 0;
    this.#options.onDropped(lines);
  }
}
