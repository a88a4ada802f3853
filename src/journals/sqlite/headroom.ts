import type {Retention} from '../engine.ts';
import {keeps} from './admission.ts';
import {logBytes, readersOf} from './log.ts';
import {hasRoomToGrow} from './log-index.ts';
import type {FromWriter} from './messages.ts';
import {diskBytes, Reserve} from './reserve.ts';
import {type Room, roomOf} from './room.ts';
import type {SqliteStore} from './store.ts';
import {stepBytes} from './sweep.ts';

/** Most steps in which one look at the disk removes payloads before their time. */
const mostSteps = 4;
/** Most bytes, roughly, that are removed for one commit. After the size was set much lower, the next commits go on, and until then little is kept. */
const mostFreed = 2 ** 30;
/** How soon a database in which nothing could be removed is searched again. */
const crowdedMs = 1000;
/** How soon a log that a reader holds is looked at again. */
const logMs = 1000;

/** Watches how much room disk and readers leave, and decides what is kept. */
export class Headroom {
  readonly room: Room;
  readonly #path: string;
  readonly #say: (message: FromWriter) => void;
  readonly #retention: Retention;
  readonly #reserve: Reserve;
  /** When a search last found nothing to remove. */
  #crowdedAt = Number.NEGATIVE_INFINITY;
  /** True once the reserve was made, or could not be. */
  #wasTried: boolean;
  #isLow = false;
  #isLogFull = false;
  #isHoldLogged = false;
  #logAt = Number.NEGATIVE_INFINITY;

  /** @param path of the journal, in a folder that exists */
  constructor(path: string, retention: Retention, say: (message: FromWriter) => void) {
    this.#path = path;
    this.#say = say;
    this.#retention = retention;
    this.room = roomOf(retention.maxBytes, diskBytes(path));
    this.#reserve = new Reserve(path, this.room.reserve);
    this.#wasTried = !this.#reserve.isThere && this.#reserve.isDiskLow; // a reserve that does not fit is not tried
  }

  /** One of `keeps`. */
  get level(): number {
    if (this.#isLogFull) return keeps.onlyEnds;
    if (!this.#isReserved) return keeps.nothingNew;
    return this.#isLow ? keeps.noRecordedPayloads : keeps.all;
  }

  /** The reason with which commands are refused. */
  get why(): string {
    return this.#isLogFull ? 'a reader holds its write-ahead log' : 'its disk is full';
  }

  /** True when there is room for the end of work that was begun. */
  get #isReserved(): boolean {
    return this.#reserve.isThere || !this.#wasTried;
  }

  /** Called when the disk refused a write: frees the room of the reserve. @returns false when there was no reserve */
  giveUp(): boolean {
    this.#wasTried = true;
    return this.#reserve.giveUp();
  }

  /** Removes the oldest facts and payloads until the database has room for more bytes. @returns whether it has */
  makeRoom(store: Pick<SqliteStore, 'bytes' | 'sweep'>, needed: number, now: number): boolean {
    if (store.bytes + needed <= this.room.most) return true;
    if (Math.abs(now - this.#crowdedAt) < crowdedMs) return false;
    const before = store.bytes;
    for (let after: number | undefined = 0; after !== undefined && hasRoomToGrow(this.#path, stepBytes); ) {
      if (before - store.bytes > mostFreed) return false;
      // Age does not count here, as a clock that jumped must not remove anything.
      const {payloads, early, next} = store.sweep(this.#retention, Number.NEGATIVE_INFINITY, after, needed);
      if (payloads > 0) this.#say({type: 'shredded', payloads, early, until: now});
      if (store.bytes + needed <= this.room.most) return true;
      after = next;
    }
    this.#crowdedAt = now;
    return false;
  }

  /** Whether the disk has room for these bytes in the log and in the database, beside the reserve. Few bytes are not worth asking. */
  fitsDisk(bytes: number): boolean {
    return bytes < this.room.log / 4 || this.#reserve.leaves(2 * bytes);
  }

  /** Makes the reserve as soon as it fits, and removes recorded payloads while the disk has little left. */
  lookAtDisk(store: SqliteStore, now: number): void {
    if (!this.#reserve.isThere && (!this.#wasTried || this.#reserve.isDiskRoomy)) this.#makeReserve();
    const wasLow = this.#isLow;
    this.#isLow = !this.#reserve.isThere || (wasLow ? !this.#reserve.isDiskRoomy : this.#reserve.isDiskLow);
    if (this.#isLow !== wasLow) this.#logDisk();
    for (let step = 0; step < mostSteps && this.#isLow && !this.#reserve.isDiskRoomy; step++) {
      const payloads = store.giveBack();
      if (payloads === 0) break;
      this.#say({type: 'shredded', payloads, early: payloads, until: now});
    }
  }

  /** Empties a log that has grown. Names the reader in the log lines when one holds it. */
  lookAtLog(store: SqliteStore, now: number): void {
    const bytes = logBytes(this.#path);
    if (bytes <= 2 * this.room.log) {
      this.#logThatLogIsFree();
      return;
    }
    if (this.#isHoldLogged && Math.abs(now - this.#logAt) < logMs && bytes <= this.room.heldLog) return;
    this.#logAt = now;
    if (store.emptyLog()) {
      this.#logThatLogIsFree();
      return;
    }
    this.#isLogFull = bytes > this.room.heldLog;
    if (this.#isHoldLogged) return;
    this.#isHoldLogged = true;
    const readers = readersOf(this.#path).join(', ') || 'unknown';
    const cause = `${bytes} bytes, held by process ${readers}`;
    this.#say({type: 'logged', level: 'warn', message: 'A reader keeps the write-ahead log of the journal from being emptied', cause});
  }

  #logThatLogIsFree(): void {
    if (!this.#isHoldLogged) return;
    this.#isHoldLogged = false;
    this.#isLogFull = false;
    this.#say({type: 'logged', level: 'warn', message: 'The write-ahead log of the journal is free again', cause: 'no reader holds it'});
  }

  #makeReserve(): void {
    this.#wasTried = true;
    try {
      this.#reserve.make();
    } catch {
      // `lookAtDisk` reports that there is no reserve
    }
  }

  #logDisk(): void {
    const [level, message, cause] = !this.#reserve.isThere
      ? ([
          'error',
          'The disk of the journal is full: nothing that is written ahead is begun',
          `${this.room.reserve} bytes are wanted`,
        ] as const)
      : this.#isLow
        ? ([
            'warn',
            'The disk of the journal is almost full: recorded requests and replies are removed',
            'it has less than the reserve left',
          ] as const)
        : (['warn', 'The disk of the journal has room again: everything is kept', 'there is room for the reserve'] as const);
    this.#say({type: 'logged', level, message, cause});
  }
}
