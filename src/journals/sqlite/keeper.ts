import type {Retention} from '../engine.ts';
import {admit, keeps} from './admission.ts';
import {Custody} from './custody.ts';
import {NoRoom} from './errors.ts';
import {Headroom} from './headroom.ts';
import {hasRoomToGrow} from './log-index.ts';
import type {Command, FromWriter, Outcome} from './messages.ts';
import type {SqliteStore} from './store.ts';
import {type Swept, stepBytes} from './sweep.ts';

/** Beside what it adds, a command changes two pages: in the list of streams, and for its payload. */
const pagesBytes = 2 * 4120;

/** Writes the journal as far as disk and readers let it, and says when it cannot. */
export class Keeper implements Disposable {
  readonly #path: string;
  readonly #say: (message: FromWriter) => void;
  readonly #retention: Retention;
  readonly #headroom: Headroom;
  readonly #custody: Custody;
  #isDurable = true;

  /**
  @param closeReaders closes what else has the files open in this process
  @throws JournalHeld, JournalDamaged, or an Error when it cannot be written
  */
  constructor(path: string, retention: Retention, say: (message: FromWriter) => void, closeReaders = () => {}) {
    this.#path = path;
    this.#retention = retention;
    this.#say = say;
    this.#headroom = new Headroom(path, retention, say);
    this.#custody = new Custody(path, this.#headroom, say);
    this.#custody.closeReaders = closeReaders;
    this.#sayState(); // opening may have taken the reserve
  }

  /** Called once, at the start. @throws Error when it cannot be written */
  loseRunning(): void {
    this.#custody.store?.loseWork('running');
  }

  /** @throws Error when nothing was kept, or when it cannot be known whether it was */
  commit(commands: readonly Command[], now: number): Outcome[] {
    try {
      const store = this.#usable(now);
      this.#custody.checkFiles(); // first, so that files that come back do not hold a command that is refused here
      const admitted = this.#admit(store, commands, now);
      if (!this.#mayGrow(store, admitted.bytes + commands.length * pagesBytes)) {
        throw new NoRoom('the disk is full: the index of the write-ahead log has no room to grow');
      }
      const outcomes = store.commit(admitted.commands, now);
      this.#custody.acknowledged = store.position;
      this.#lookAtLog(store, now);
      return outcomes;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Checks that the files are still those that were opened, and opens them again once that is possible. */
  look(now: number): void {
    try {
      const store = this.#usable(now);
      this.#custody.checkFiles();
      this.#headroom.lookAtDisk(store, now);
      this.#headroom.lookAtLog(store, now);
      this.#sayState();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** How much of the time up to now passed without a fact; undefined when nothing can be removed now. */
  unseenMs(now: number): number | undefined {
    try {
      return this.#custody.store?.unseenMs(now);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Removes a little of what is old. @returns undefined when that failed, or nothing can be removed now */
  sweep(now: number, after: number): Swept | undefined {
    const {store} = this.#custody;
    try {
      if (!store || !this.#mayGrow(store, stepBytes)) return undefined;
      const swept = store.sweep(this.#retention, now, after);
      // Freed room goes back to the disk once nothing more is to be removed.
      if (swept.next === undefined && store.vacuum()) return {...swept, next: Number.MAX_SAFE_INTEGER};
      return swept;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#custody[Symbol.dispose]();
  }

  #usable(now: number): SqliteStore {
    const {store} = this.#custody;
    if (store) return store;
    const opened = this.#custody.usable(now);
    this.#sayState();
    return opened;
  }

  /** Makes room for the commands, and decides which parts of them are written. */
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

  /** Whether the log has room for more bytes. Empties the log if it has not. */
  #mayGrow(store: SqliteStore, bytes: number): boolean {
    if (hasRoomToGrow(this.#path, bytes)) return true;
    store.emptyLog();
    return hasRoomToGrow(this.#path, bytes);
  }

  /** Called after a commit, which stands even if this fails. */
  #lookAtLog(store: SqliteStore, now: number): void {
    try {
      this.#headroom.lookAtLog(store, now);
      this.#sayState();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The journal counts as durable only while it accepts work that is written ahead. */
  #sayState(): void {
    const isDurable = this.#custody.store !== undefined && this.#headroom.level < keeps.nothingNew;
    if (isDurable !== this.#isDurable) this.#say({type: 'state', isDurable});
    this.#isDurable = isDurable;
  }

  #fail(failure: unknown): void {
    const error = this.#misplaced() ?? failure;
    const isNew = this.#custody.giveUp(error);
    this.#sayState();
    if (!isNew) return;
    const cause = error instanceof Error ? error.message : String(error);
    this.#say({type: 'logged', level: 'error', message: 'The journal could not be written: nothing is acknowledged until it can', cause});
  }

  /** That the files are not where they were says more than what failed because of it. */
  #misplaced(): unknown {
    if (!this.#custody.store) return undefined;
    try {
      this.#custody.checkFiles();
      return undefined;
    } catch (error) {
      return error;
    }
  }
}
