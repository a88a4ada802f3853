import type {Position} from '../../journal.ts';
import {isOfDisk} from './errors.ts';
import {OpenFiles} from './files.ts';
import type {Headroom} from './headroom.ts';
import {HeldClaims} from './held-claims.ts';
import {takeLock} from './lock.ts';
import {HeldIndex} from './log-index.ts';
import type {FromWriter} from './messages.ts';
import {SqliteStore} from './store.ts';

/** A store that failed is opened again no more often than this. */
const reopenMs = 1000;

/**
Owns the files of a journal: its lock, its store and the index of the log. Nobody knows what a failed write or sync left on
the disk, so after one all but the index is closed, opened and checked again before anything is acknowledged. The same
happens when a name leads to another file than the one that is open.
*/
export class Custody implements Disposable {
  readonly #path: string;
  readonly #headroom: Headroom;
  readonly #say: (message: FromWriter) => void;
  #lock: Disposable | undefined;
  #store: SqliteStore | undefined;
  #files: OpenFiles;
  /** Held while the names of the journal lead to the files that are open. */
  readonly #index = new HeldIndex();
  readonly #claims = new HeldClaims();
  /** When opening the store again was last tried. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure = '';
  /** The newest position that was acknowledged. Positions go on from it, even if the files have fewer facts. */
  acknowledged: Position;
  /** Closes other connections to the files. Called before the store is closed, as only the last connection empties the log. */
  closeReaders = () => {};

  /** @throws JournalHeld, JournalDamaged, or an Error when it cannot be written */
  constructor(path: string, headroom: Headroom, say: (message: FromWriter) => void) {
    this.#path = path;
    this.#headroom = headroom;
    this.#say = say;
    this.acknowledged = 0;
    try {
      this.#store = this.#open();
    } catch (error) {
      this.#lock?.[Symbol.dispose]();
      throw error;
    }
    this.#files = new OpenFiles(path);
    this.acknowledged = this.#store.position;
  }

  /** Undefined after a failure, until it was opened again. */
  get store(): SqliteStore | undefined {
    return this.#store;
  }

  /**
  The store, opened again after a failure: at once the first time, then not too often.

  @throws Error when it cannot be opened
  */
  usable(now: number): SqliteStore {
    if (this.#store) return this.#store;
    if (Math.abs(now - this.#triedAt) < reopenMs) throw new Error(this.#failure);
    this.#triedAt = now;
    if (this.#files.changed()) this.#index.letGo(); // files that were removed keep their room while they are open
    this.#claims.failed();
    const store = this.#open();
    this.#store = store;
    store.loseWork('unheard');
    this.#files = new OpenFiles(this.#path);
    this.#say({type: 'logged', level: 'warn', message: 'The journal is written again', cause: this.#failure});
    if (store.missing > 0) {
      const cause = `facts ${this.acknowledged - store.missing + 1} to ${this.acknowledged} went with its files`;
      this.#say({type: 'logged', level: 'error', message: 'The journal goes on without facts that it had', cause});
    }
    this.#failure = '';
    return store;
  }

  /** @throws Error that says which file is another than the one that was opened */
  checkFiles(): void {
    const change = this.#files.changed();
    if (!change) return;
    if (change.isLock) {
      this.#lock?.[Symbol.dispose]();
      this.#lock = undefined;
    }
    throw new Error(change.problem);
  }

  /** Closes the store after an error. @returns false when the failure before it was the same */
  giveUp(error: unknown): boolean {
    const cause = error instanceof Error ? error.message : String(error);
    if (this.#store) this.#triedAt = Number.NEGATIVE_INFINITY;
    this.closeReaders();
    if (this.#store && !isOfDisk(error)) this.#index.letGo();
    try {
      this.#store?.[Symbol.dispose]();
    } catch {
      // it is given up in any case
    }
    this.#store = undefined;
    if (isOfDisk(error)) this.#headroom.giveUp();
    const isNew = this.#failure !== cause;
    this.#failure = cause;
    return isNew;
  }

  [Symbol.dispose](): void {
    this.closeReaders();
    this.#index.letGo();
    this.#store?.[Symbol.dispose]();
    this.#store = undefined;
    this.#lock?.[Symbol.dispose]();
  }

  #open(): SqliteStore {
    this.#lock ??= takeLock(this.#path);
    const store = this.#openStore();
    try {
      this.#index.hold(this.#path);
      return store;
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  #openStore(): SqliteStore {
    const options = {from: this.acknowledged, held: this.#claims, logBytes: this.#headroom.room.log};
    try {
      return new SqliteStore(this.#path, options);
    } catch (error) {
      if (!isOfDisk(error) || !this.#headroom.giveUp()) throw error;
      return new SqliteStore(this.#path, options); // with the room that the reserve kept for this
    }
  }
}
