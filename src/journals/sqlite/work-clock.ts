import type {DatabaseSync} from 'node:sqlite';
import {code} from '../work-row.ts';

/** A clock that goes back by less is not set anew: it is adjusted a little all the time. */
const toleratedMs = 1000;

/**
Keeps work due that was due when the wall clock is set back, also while no core runs. Otherwise all that waits for a place would
stand still until the clock shows the old time again, behind all that comes later; and a retry would wait that much longer.
Items that wait for a moment which their sender has named keep it, as they must not start before.
*/
export class WorkClock {
  readonly #db: DatabaseSync;
  /** The newest time that is known. */
  #latest: number;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#latest = Number(db.prepare('SELECT at FROM pack ORDER BY last DESC LIMIT 1').get()?.at ?? 0);
  }

  /** Called in each transaction that changes work. @param now wall time */
  look(now: number): void {
    const isSetBack = now < this.#latest - toleratedMs;
    if (isSetBack) this.#goBack(this.#latest, now);
    if (isSetBack || now > this.#latest) this.#latest = now;
  }

  #goBack(from: number, to: number): void {
    const became = 'due = ? + max(0, due - ?)';
    const isMeant = 'status IN (?, ?) AND due > ? AND (epoch > 0 OR due <= accepted)';
    this.#db.prepare(`UPDATE work SET ${became} WHERE ${isMeant}`).run(to, from, code.waiting, code.behind, to);
  }
}
