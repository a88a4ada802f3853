import type {Clock} from '../../src/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A clock whose time stands still until a test moves it. Wall and monotonic time move together unless the wall is set. */
export class ManualClock implements Clock {
  #wallMs: number;
  #elapsedMs = 0;
  #timers: Timer[] = [];

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs;
  }

  /** Timers that have not fired and were not stopped. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Whole milliseconds, as of the system's clock; timers may be due between two. */
  now(): number {
    return Math.round(this.#wallMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = {at: this.#elapsedMs + Math.max(0, ms), fire};
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve(false);
      const wake = () => {
        stop();
        resolve(false);
      };
      const stop = this.after(ms, () => {
        signal?.removeEventListener('abort', wake);
        resolve(true);
      });
      signal?.addEventListener('abort', wake, {once: true});
    });
  }

  /** Moves both times on and fires, in order, every timer that falls due; whoever they wake runs in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    for (;;) {
      await settle();
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (!next || next.at > until) break;
      this.#timers = this.#timers.filter(other => other !== next);
      this.#moveTo(next.at);
      next.fire();
    }
    this.#moveTo(until);
    await settle();
  }

  turn(): Promise<void> {
    return settle();
  }

  /** The wall clock is set, as an administrator or NTP does; the monotonic one is not. */
  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  #moveTo(elapsedMs: number): void {
    this.#wallMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }
}

/** Lets every promise that can go on now go on. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
