import type {DatabaseSync} from 'node:sqlite';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
The time by which the age of facts is judged. A clock that jumped forward must not remove facts. So time counts only if facts
were written in it, or this process was running. Other time is left out for a day; if the clock still says the same then, it
is right.
*/
export class RetentionClock {
  #begun: {readonly at: number; readonly upMs: number} | undefined;

  /**
  @param now wall time
  @param upMs how long the journal has been open, by the monotonic clock
  @param unseen how much of the time up to now passed without a fact
  */
  at(now: number, upMs: number, unseen: number): number {
    const seen = now - unseen;
    this.#begun ??= {at: seen, upMs};
    return Math.min(now, Math.max(seen, this.#begun.at + upMs - this.#begun.upMs));
  }
}

/** The sum of all periods of more than an hour without a fact that end within the last day. Facts of the future do not count. */
export function unseenMs(db: DatabaseSync, now: number): number {
  const within = db.prepare('SELECT min(at) AS at FROM pack WHERE at >= ? AND at < ?');
  const before = db.prepare('SELECT max(at) AS at FROM pack WHERE at < ?');
  let unseen = 0;
  for (let at = now; at > now - dayMs; ) {
    const near = within.get(at - hourMs, at)?.at ?? null;
    const older = near ?? before.get(at)?.at ?? null;
    if (older === null) break; // the oldest fact: no time before it matters
    if (near === null) unseen += at - Number(older);
    at = Number(older);
  }
  return unseen;
}
