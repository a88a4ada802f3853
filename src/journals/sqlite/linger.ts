import type {Clock} from '../../clock.ts';

/** A timer that fires once, at the earliest of the times that were asked for. */
export class Linger {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #until = Number.POSITIVE_INFINITY;
  #stopTimer = () => {};

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  within(ms: number): void {
    const until = this.#clock.monotonic() + ms;
    if (until >= this.#until) return;
    this.#stopTimer();
    this.#until = until;
    this.#stopTimer = this.#clock.after(ms, () => {
      this.#until = Number.POSITIVE_INFINITY;
      this.#fire();
    });
  }

  stop(): void {
    if (this.#until === Number.POSITIVE_INFINITY) return;
    this.#until = Number.POSITIVE_INFINITY;
    this.#stopTimer();
  }
}
