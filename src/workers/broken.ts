import type {Clock} from '../clock.ts';
import type {Fault} from '../errors.ts';
import type {CallEnd} from './upstream.ts';

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
  readonly #lost = Promise.withResolvers<Fault>();

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
    this.#lost.resolve(reason);
  }

  /** Why the process went away, when that becomes known. */
  reasonOf(lost: Fault): Promise<Fault> {
    const {clock, isEnding} = this.#options;
    const {promise, resolve} = Promise.withResolvers<Fault>();
    let stopTimer = clock.after(reasonMs, () => {
      if (!isEnding()) return resolve(lost);
      stopTimer = clock.after(endingMs, () => resolve(lost));
    });
    void this.#lost.promise.then(reason => {
      stopTimer();
      resolve(reason);
    });
    return promise;
  }

  #refused(): void {
    const {clock, isEnding, onDeaf} = this.#options;
    this.#refusesSince ??= clock.monotonic();
    if (clock.monotonic() - this.#refusesSince < deafAfterMs || isEnding()) return;
    this.isDeaf = true;
    onDeaf();
  }
}
