/** Time. Only this file touches timers. Tests use a clock whose time they move themselves. */
export interface Clock {
  /** Wall time, milliseconds since 1970. For people and records; it may step. */
  now(): number;
  /** Milliseconds since some fixed moment; never steps back. For deadlines and durations. */
  monotonic(): number;
  /** Calls `fire` once after `ms`, unless the returned function was called first. Keeps no process alive. */
  after(ms: number, fire: () => void): () => void;
  /** Waits `ms`. True when they passed, false as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<boolean>;
  /** Resolves as soon as the event loop has looked at the network once. */
  turn(): Promise<void>;
}

/** A wall time as a Date, for code that needs one. */
export const dateOf = (ms: number): Date => new Date(ms);

/** A wall time as ISO 8601 in UTC. The texts have the same length, so that they line up in a column, and sort. */
export const isoStamp = (ms: number): string => dateOf(ms).toISOString();

/** setTimeout fires at once past 2^31 − 1 ms. */
const longestTimerMs = 2 ** 31 - 1;

/** For a time below 0, as when a deadline has just passed, Node would write a warning to stderr. */
const timerMs = (ms: number) => Math.max(0, Math.min(ms, longestTimerMs));

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),

  after(ms, fire) {
    const timer = setTimeout(fire, timerMs(ms)).unref();
    return () => clearTimeout(timer);
  },

  sleep(ms, signal) {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve(false);
      const wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', wake);
        resolve(true);
      }, timerMs(ms));
      signal?.addEventListener('abort', wake, {once: true});
    });
  },

  turn: () => new Promise(resolve => void setImmediate(resolve)),
};

/**
Calls `fire` when everything that this turn of the event loop brought has been handled. This does not depend on time, so a
manual clock does not control it.
*/
export function atTurnEnd(fire: () => void): void {
  setImmediate(fire);
}
