import type {Retention} from '../engine.ts';
import {admit, keeps} from './admission.ts';
import {isOfDisk, NoRoom} from './errors.ts';
import {OpenFiles} from './files.ts';
import {Headroom} from './headroom.ts';
import {takeLock} from './lock.ts';
import type {Command, FromWriter, Outcome} from './messages.ts';
import {HeldIndex, hasRoomToGrow} from './shm.ts';
import {SqliteStore} from './store.ts';
import {type Swept, stepBytes} from './sweep.ts';

/** A store that failed is opened again at most so often. */
const reopenMs = 1000;
/** A command changes two pages beside what it adds: where its stream is listed, and its payload. */
const pagesBytes = 2 * 4120;

/**
Keeps the store open and its lock taken. What a failed write or sync left on the disk is not known: after one, nothing
is acknowledged until the files were closed, opened and checked again, all but the index of the log. The same goes for a
file that is no longer the one by its name.
*/
export class Keeper implements Disposable {
  readonly #path: string;
  readonly #say: (message: FromWriter) => void;
  #lock: Disposable | undefined;
  #store: SqliteStore | undefined;
  #files: OpenFiles;
  /** Held as long as the files are those by their names. */
  readonly #index = new HeldIndex();
  readonly #retention: Retention;
  readonly #headroom: Headroom;
  #isDurable = true;
  /** Newest position that was acknowledged. */
  #position = 0;
  /** When it was tried to open the store again. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure = '';
  /** Closes what else has the files open: before the store, which can only then write its log into the database. */
  closeReaders = () => {};

  /** @throws JournalHeld, JournalDamaged, or an Error when it cannot be written */
  constructor(path: string, retention: Retention, say: (message: FromWriter) => void) {
    this.#path = path;
    this.#retention = retention;
    this.#say = say;
    this.#headroom = new Headroom(path, retention, say);
    try {
      this.#store = this.#open();
    } catch (error) {
      this.#lock?.[Symbol.dispose]();
      throw error;
    }
    this.#files = new OpenFiles(path);
    this.#position = this.#store.position;
    this.#tellState(); // opening it may have taken the reserve
  }

  get position(): number {
    return this.#position;
  }

  /** @throws when nothing was kept, or it cannot be known */
  commit(commands: readonly Command[], now: number): Outcome[] {
    try {
      const store = this.#usable(now);
      this.#checkFiles(); // first: what is refused should not be found in files that come back
      const admitted = this.#admit(store, commands, now);
      if (!this.#mayGrow(store, admitted.bytes + commands.length * pagesBytes)) {
        throw new NoRoom('the disk is full: the index of the write-ahead log has no room to grow');
      }
      const outcomes = store.commit(admitted.commands, now);
      this.#position = store.position;
      this.#lookAtLog(store, now);
      return outcomes;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Looks whether the files are still those that were opened, and opens them again once they can be. */
  look(now: number): void {
    try {
      const store = this.#usable(now);
      this.#checkFiles();
      this.#headroom.lookAtDisk(store, now);
      this.#headroom.lookAtLog(store, now);
      this.#tellState();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** How much of the time up to now went by without a fact; undefined when nothing can be removed now. */
  unseenMs(now: number): number | undefined {
    try {
      return this.#store?.unseenMs(now);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** A step. @returns undefined when it failed, or nothing can be removed now */
  sweep(now: number, after: number): Swept | undefined {
    try {
      if (!this.#store || !this.#mayGrow(this.#store, stepBytes)) return undefined;
      const swept = this.#store.sweep(this.#retention, now, after);
      // What was freed is given back once nothing more is to be removed.
      if (swept.next === undefined && this.#store.vacuum()) return {...swept, next: Number.MAX_SAFE_INTEGER};
      return swept;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.closeReaders();
    this.#index.letGo();
    this.#store?.[Symbol.dispose]();
    this.#store = undefined;
    this.#lock?.[Symbol.dispose]();
  }

  /** What of the commands is written, after room was made for it. */
  #admit(store: SqliteStore, commands: readonly Command[], now: number) {
    const {level, why, room} = this.#headroom;
    let admission = admit(commands, level, room.payloads, why);
    if (level < keeps.noRecordedPayloads && !this.#headroom.fitsDisk(admission.bytes)) {
      admission = admit(commands, keeps.noRecordedPayloads, room.payloads, why);
    }
    if (!this.#headroom.makeRoom(store, admission.bytes, now)) {
      admission = admit(commands, keeps.onlyEnds, room.payloads, 'it has the size that CORE_JOURNAL_MAX_SIZE allows, and all must stay');
    }
    const {facts, payloads} = admission;
    if (facts + payloads > 0) this.#say({type: 'shed', facts, payloads});
    return admission;
  }

  /** Whether the log may have so many bytes more, if need be once it was emptied. */
  #mayGrow(store: SqliteStore, bytes: number): boolean {
    if (hasRoomToGrow(this.#path, bytes)) return true;
    store.emptyLog();
    return hasRoomToGrow(this.#path, bytes);
  }

  /** After a commit, which stands whatever becomes of this. */
  #lookAtLog(store: SqliteStore, now: number): void {
    try {
      this.#headroom.lookAtLog(store, now);
      this.#tellState();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** It is called durable only while it takes what is written ahead. */
  #tellState(): void {
    const isDurable = this.#store !== undefined && this.#headroom.level < keeps.nothingNew;
    if (isDurable !== this.#isDurable) this.#say({type: 'state', isDurable});
    this.#isDurable = isDurable;
  }

  /** The store, opened again when it had failed: at once the first time, then not too often. */
  #usable(now: number): SqliteStore {
    if (this.#store) return this.#store;
    if (Math.abs(now - this.#triedAt) < reopenMs) throw new Error(this.#failure);
    this.#triedAt = now;
    if (this.#files.changed()) this.#index.letGo(); // files that were removed keep their room while they are open
    const store = this.#open();
    this.#store = store;
    this.#files = new OpenFiles(this.#path);
    this.#say({type: 'told', level: 'warn', message: 'The journal is written again', cause: this.#failure});
    if (store.missing > 0) {
      const cause = `facts ${this.#position - store.missing + 1} to ${this.#position} went with its files`;
      this.#say({type: 'told', level: 'error', message: 'The journal goes on without facts that it had', cause});
    }
    this.#failure = '';
    this.#tellState();
    return store;
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
    const options = {from: this.#position, logBytes: this.#headroom.room.log};
    try {
      return new SqliteStore(this.#path, options);
    } catch (error) {
      if (!isOfDisk(error) || !this.#headroom.giveUp()) throw error;
      return new SqliteStore(this.#path, options); // with the room that was kept for this
    }
  }

  /** @throws Error that says which file changed */
  #checkFiles(): void {
    const change = this.#files.changed();
    if (!change) return;
    if (change.isLock) {
      this.#lock?.[Symbol.dispose]();
      this.#lock = undefined;
    }
    throw new Error(change.problem);
  }

  #fail(error: unknown): void {
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
    this.#tellState();
    if (this.#failure === cause) return; // it was told
    this.#failure = cause;
    this.#say({type: 'told', level: 'error', message: 'The journal could not be written: nothing is acknowledged until it can', cause});
  }
}
