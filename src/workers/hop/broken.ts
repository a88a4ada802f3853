import type {Clock} from '../../clock.ts';
import type {Fault} from '../../errors.ts';
import type {CallEnd} from '../../hop/hop.ts';

export interface BrokenOptions {
  readonly clock: Clock;
  /** Whether the system is taking the process down. */
  readonly isEnding: () => boolean;
  /** Called when the process lives on without its listener. */
  readonly onDeaf: () => void;
}

/*
When a connection breaks off, its process is most likely ending, and the exit is reported a moment later. Until then no other
call is sent there, and callers whose call was lost wait for the reason. They wait long only if the system says that it ends.
*/
const restMs = 25;
const reasonMs = 250;
const endingMs = 5000;
/** A process that refuses again after its rest, and is not ending, has lost its listener. The third attempt of a call meets the next process. */
const deafAfterMs = restMs;

/** Judges a process by its connections that were refused or broke off. */
export class BrokenConnections {
  /** The process lives on without its listener. This never changes again, though calls that it had before may still be answered. */
  isDeaf = false;
  readonly #options: BrokenOptions;
  #restsUntil = 0;
  /** The monotonic time since which it has refused every connection. */
  #refusesSince: number | undefined;
  /** Callers that wait for the reason. One promise for all would live as long as the process, and hold each caller that long. */
  readonly #waiting = new Set<(reason: Fault) => void>();
  #reason: Fault | undefined;

  constructor(options: BrokenOptions) {
    this.#options = options;
  }

  /** Milliseconds until the process should be given a call again; 0: now. */
  get restMs(): number {
    if (this.#restsUntil === 0) return 0; // it never rested: the time does not matter
    return Math.max(0, this.#restsUntil - this.#options.clock.monotonic());
  }

  /** Keeps calls away from the process for this many milliseconds. */
  rest(ms: number): void {
    this.#restsUntil = Math.max(this.#restsUntil, this.#options.clock.monotonic() + ms);
  }

  /** A connection, or the attempt to make one, has ended. */
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

  /** Why the process went away: its exit when that becomes known in time, else the fault of the call. */
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
