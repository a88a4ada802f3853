import type {Clock} from '../../clock.ts';

/** Two reports of the same thing come within this time. */
const withinMs = 250;

/**
Keeps what is reported twice from being shown twice. The better report is shown as it comes; the other one waits whether the
better one comes, and is shown when it does not.
*/
export class Doubles {
  readonly #clock: Clock;
  readonly #said = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The better report of `what` is shown now. */
  said(what: string): void {
    this.#said.set(what, this.#clock.monotonic());
    this.#waiting.get(what)?.();
    this.#waiting.delete(what);
  }

  /** True when the better report has just been shown. */
  wasSaid(what: string): boolean {
    const at = this.#said.get(what);
    return at !== undefined && this.#clock.monotonic() - at <= withinMs;
  }

  /** Shows the other report of `what` unless the better one is shown. */
  otherwise(what: string, show: () => void): void {
    if (this.wasSaid(what)) return;
    this.#waiting.get(what)?.();
    const stopTimer = this.#clock.after(withinMs, () => {
      this.#waiting.delete(what);
      show();
    });
    this.#waiting.set(what, stopTimer);
  }
}
