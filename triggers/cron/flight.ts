import type {Claim, HeldClaim} from './claim.ts';

/** A claimed occurrence on its way to the function, however many attempts that takes. */
export class Flight {
  #held: HeldClaim;
  /** Attempts of this core that did not reach the function, and when the last one ended, on the monotonic clock. */
  failed = {times: 0, at: 0};
  /** When this core got it, on the monotonic clock. */
  readonly since: number;
  readonly #replacing = new AbortController();
  #called: ((now: number) => void) | undefined;

  /** @param called is called once, when the function is first called */
  constructor(held: HeldClaim, since: number, called?: (now: number) => void) {
    this.#held = held;
    this.since = since;
    this.#called = called;
  }

  get claim(): Claim {
    return this.#held.claim;
  }

  get held(): HeldClaim {
    return this.#held;
  }

  /** Aborts when a later occurrence takes its place. */
  get replaced(): AbortSignal {
    return this.#replacing.signal;
  }

  replace(): void {
    this.#replacing.abort();
  }

  /** It was claimed again, for the next attempt. */
  renew(held: HeldClaim): void {
    this.#held = held;
  }

  called(now: number): void {
    this.#called?.(now);
    this.#called = undefined;
  }
}
