import type {Clock} from '../../clock.ts';
import type {Fault} from '../../errors.ts';
import type {CallEnd} from './exchange.ts';

export interface BrokenOptions {
  readonly clock: Clock;
  /** The system is taking the process down. */
  readonly isEnding: () => boolean;
  /** The process lives on without its listener. */
  readonly onDeaf: () => void;
}

/*
A connection that breaks off is of a process that ends, most likely, and its exit is told a moment later. Until then
nobody else is sent there, and whoever was in it waits for the reason: for long only when the system says that it ends.
*/
const restMs = 25;
const reasonMs = 250;
const endingMs = 5000;
/** A process that refuses again after its rest, and is not ending, has lost its listener. A third attempt of the call meets the next one. */
const deafAfterMs = restMs;

/** What connections of one process tell that were refused or broke off. */
export class BrokenConnections {
  /** It lives on without its listener. That stays so, though calls which it had before may still be answered. */
  isDeaf = false;
  readonly #options: BrokenOptions;
  #restsUntil = 0;
  /** Since when it has refused every connection. */
  #refusesSince: number | undefined;
  /** Callers that wait for the reason. No promise that lives as long as the process: each caller would stay on it for good. */
  readonly #waiting = new Set<(reason: Fault) => void>();
  #reason: Fault | undefined;

  constructor(options: BrokenOptions) {
    this.#options = options;
  }

  /** Milliseconds until the process should be given a call again; 0: now. */
  get restMs(): number {
    return Math.max(0, this.#restsUntil - this.#options.clock.monotonic());
  }

  /** The process should be given no call for so long. */
  rest(ms: number): void {
    this.#restsUntil = Math.max(this.#restsUntil, this.#options.clock.monotonic() + ms);
  }

  /** A connection, or the attempt to make one, ended so. */
  seen({mayRun, broke, byHost}: CallEnd): void {
    if (broke) this.rest(this.#options.isEnding() ? endingMs : restMs);
    if (mayRun) this.#refusesSince = undefined;
    else if (broke && !byHost) this.#refused();
  }

  /** The process is gone, and this is why. */
  over(reason: Fault): void {
    this.#reason = reason;
    for (const tell of this.#waiting) tell(reason);
  }

  /** Why the process went away, when that becomes known. */
  async reasonOf(lost: Fault): Promise<Fault> {
    if (this.#reason) return this.#reason;
    const {clock, isEnding} = this.#options;
    return new Promise(resolve => {
      const tell = (reason: Fault) => {
        stopTimer();
        this.#waiting.delete(tell);
        resolve(reason);
      };
      let stopTimer = clock.after(reasonMs, () => {
        if (!isEnding()) return tell(lost);
        stopTimer = clock.after(endingMs, () => tell(lost));
      });
      this.#waiting.add(tell);
    });
  }

  #refused(): void {
    const {clock, isEnding, onDeaf} = this.#options;
    this.#refusesSince ??= clock.monotonic();
    if (clock.monotonic() - this.#refusesSince < deafAfterMs || isEnding()) return;
    this.isDeaf = true;
    onDeaf();
  }
}
