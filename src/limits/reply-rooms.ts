import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';

/** Where a reply stands in its connection. */
export interface Place {
  /** False while answers to earlier requests of the same connection have to leave first. */
  isNext(): boolean;
  /** Bytes of all replies on the connection. */
  replyBytes(): number;
  /** Called when the share of its reply has changed by this many bytes. */
  held(change: number): void;
}

/** The account that replies are charged to. */
interface Account {
  readonly maxBytes: number;
  readonly heldBytes: number;
  readonly clock: Clock;
  bytesOf(kind: 'reply'): number;
}

/** The share that one reply is charged to. */
interface Share {
  readonly bytes: number;
  set(bytes: number): void;
}

/** A reply up to this size never waits. The number of calls at a time bounds these replies, too. */
export const smallReply = 64 * 2 ** 10;

/** The part of the budget that large replies may take. The rest is for other requests. */
const replyPart = 3 / 4;
/** The same, for replies that cannot leave yet. It is less, so that the reply that leaves next always finds room. */
const earlyPart = 1 / 2;
/** Bytes that the replies of one connection that cannot leave yet may take together. */
const earlyBytes = 8 * 2 ** 20;

const lookMs = 250;
/** When no reply got room for this long, no client reads, and the places of the functions are needed. */
const stuckMs = 1000;
const longestMs = 10_000;

/** `sure` never waits for room and is never refused; `patient` waits for a while, and then is not refused. */
export type Manner = 'asked' | 'patient' | 'sure';

interface Reply {
  readonly hold: Share;
  readonly bytes: number;
  readonly place: Place | undefined;
  readonly manner: Manner;
  readonly given: (fault?: Fault) => void;
}

interface Waiting extends Reply {
  readonly sinceMs: number;
}

/** Large replies wait here until those before them have been read. Meanwhile their bytes stay in the sub-runtime. */
export class ReplyRooms {
  readonly #account: Account;
  readonly #waiting: Waiting[] = [];
  #givenMs = 0;
  #isGiving = false;

  constructor(account: Account) {
    this.#account = account;
  }

  get wantedBytes(): number {
    return this.#waiting.reduce((sum, {bytes, hold}) => sum + bytes - hold.bytes, 0);
  }

  /** @returns false when it has to wait */
  take(reply: Reply): boolean {
    if (reply.manner === 'sure') return true;
    const sinceMs = this.#account.clock.monotonic();
    const waiting = {...reply, sinceMs};
    if (this.#waiting.length === 0 && this.#fits(waiting)) {
      this.#givenMs = sinceMs;
      return true;
    }
    if (this.#waiting.push(waiting) === 1) this.#lookSoon();
    return false;
  }

  /** Called when a share became smaller. Gives room to those whose turn to leave it is, first come, first served. */
  give(): void {
    if (this.#isGiving || this.#waiting.length === 0) return;
    this.#isGiving = true;
    for (let index = 0; index < this.#waiting.length; ) {
      const waiting = this.#waiting[index] as Waiting; // the loop stays inside
      if (this.#fits(waiting)) {
        this.#waiting.splice(index, 1);
        this.#givenMs = this.#account.clock.monotonic();
        waiting.hold.set(waiting.bytes);
        waiting.given();
      } else if (waiting.place?.isNext() ?? true) break;
      else index++;
    }
    this.#isGiving = false;
  }

  /** Called when its reply is not wanted any more. */
  forget(hold: Share): void {
    const index = this.#waiting.findIndex(waiting => waiting.hold === hold);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  #fits({hold, bytes, place}: Waiting): boolean {
    const {maxBytes, heldBytes} = this.#account;
    // A reply that is alone always fits, as it would never find more room.
    if (this.#account.bytesOf('reply') <= hold.bytes) return true;
    const more = bytes - hold.bytes;
    if (place === undefined || place.isNext()) return heldBytes + more <= maxBytes * replyPart;
    return heldBytes + more <= maxBytes * earlyPart && place.replyBytes() + more <= earlyBytes;
  }

  #lookSoon(): void {
    this.#account.clock.after(lookMs, () => {
      this.give();
      this.#refuse();
      if (this.#waiting.length > 0) this.#lookSoon();
    });
  }

  #refuse(): void {
    const now = this.#account.clock.monotonic();
    const isStuck = now - this.#givenMs >= stuckMs;
    const refused = this.#waiting.filter(({sinceMs}) => now - sinceMs >= (isStuck ? stuckMs : longestMs));
    for (const waiting of refused) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      if (waiting.manner === 'asked') waiting.given(new Fault('REPLY_NO_ROOM'));
      else {
        waiting.hold.set(waiting.bytes);
        waiting.given();
      }
    }
  }
}
