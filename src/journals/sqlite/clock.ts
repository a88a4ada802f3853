import type {DatabaseSync} from 'node:sqlite';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
The time by which the age of facts is judged. A clock that leapt forward must not remove anything: time counts when
facts were written in it, or when this process lived through it. What went by without either is left out for a day; a
clock that still says the same then is believed.
*/
export class RetentionClock {
  #begun: {readonly at: number; readonly upMs: number} | undefined;

  /**
  @param now what the wall clock says
  @param upMs how long the journal has been open, by a clock that nobody sets
  @param unseen how much of the time up to now nobody saw
  */
  at(now: number, upMs: number, unseen: number): number {
    const seen = now - unseen;
    this.#begun ??= {at: seen, upMs};
    return Math.min(now, Math.max(seen, this.#begun.at + upMs - this.#begun.upMs));
  }
}

/** The sum of the stretches of more than an hour without a fact that end within the last day. Facts of a time to come do not count. */
export function unseenMs(db: DatabaseSync, now: number): number {
  const within = db.prepare('SELECT min(at) AS at FROM pack WHERE at >= ? AND at < ?');
  const before = db.prepare('SELECT max(at) AS at FROM pack WHERE at < ?');
  let unseen = 0;
  for (let at = now; at > now - dayMs; ) {
    const near = within.get(at - hourMs, at)?.at ?? null;
    const older = near ?? before.get(at)?.at ?? null;
    if (older === null) break; // there is nothing older that could be removed
    if (near === null) unseen += at - Number(older);
    at = Number(older);
  }
  return unseen;
}
