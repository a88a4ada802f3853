import type {Clock} from '../clock.ts';
import {Fault} from '../errors.ts';
import type {BodyTurns} from './body-turns.ts';
import type {Garbage} from './heap.ts';
import {type Manner, type Place, ReplyRooms, smallReply} from './reply-rooms.ts';

export type {Place};

/** The kinds of bytes that the core holds for others. The same words are the label `kind` of the metric. */
export const heldKinds = ['head', 'body', 'event', 'reply', 'stream', 'log'] as const;

/** Smaller pieces leave their garbage in V8's heap, which V8 sees. */
const largePiece = 16 * 2 ** 10;

/** What a process does about its memory. */
export interface Thrift {
  /** Told how many bytes come and go. */
  readonly garbage?: Garbage | undefined;
  readonly turns?: BodyTurns | undefined;
}

export type HeldKind = (typeof heldKinds)[number];

/**
The one account of memory: every byte that a caller, a function or a reader makes this process hold. A process has one,
lent to every part that holds such bytes. Past the limit nothing more is accepted.
*/
export class Budget {
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Bytes of all kinds together. */
  heldBytes = 0;
  readonly #bytes: Record<HeldKind, number> = {head: 0, body: 0, event: 0, reply: 0, stream: 0, log: 0};
  #rooms: ReplyRooms | undefined;
  /** Large bodies take turns; undefined where memory is not scarce. */
  readonly turns: BodyTurns | undefined;
  readonly #garbage: Garbage | undefined;
  /** Mean time that a share is held, in which the newest share counts a tenth. For Retry-After. */
  holdMs = 1000;

  constructor(maxBytes: number, clock: Clock, {garbage, turns}: Thrift = {}) {
    this.maxBytes = maxBytes;
    this.clock = clock;
    this.turns = turns;
    this.#garbage = garbage;
  }

  /** Bytes above the limit, which must be freed; below 0 there is room. */
  get overBytes(): number {
    return this.heldBytes - this.maxBytes;
  }

  bytesOf(kind: HeldKind): number {
    return this.#bytes[kind];
  }

  full(): Fault {
    return new Fault('INFLIGHT_FULL', {retryAfterS: Math.min(60, Math.max(1, Math.ceil(this.holdMs / 1000)))});
  }

  /**
  Opens a share, which holds nothing at first.

  @param sinceMs monotonic time
  @param place the place of the reply in its connection, for a share that a reply is charged to
  */
  open(kind: HeldKind, sinceMs = this.clock.monotonic(), place?: Place): Hold {
    return new Hold(this, kind, sinceMs, place);
  }

  /** Opens a share for a reply that must not fail because others read slowly, such as that to a schedule. */
  openSure(kind: HeldKind, manner: Manner = 'sure'): Hold {
    return new Hold(this, kind, this.clock.monotonic(), undefined, manner);
  }

  /** Bytes of replies that wait for room. */
  get wantedBytes(): number {
    return this.#rooms?.wantedBytes ?? 0;
  }

  /** Only for shares, which know what they hold already. */
  add(kind: HeldKind, bytes: number): void {
    this.#bytes[kind] += bytes;
    this.heldBytes += bytes;
    if (bytes > largePiece || bytes < -largePiece) this.#garbage?.moved(Math.abs(bytes));
    if (bytes < 0) this.#rooms?.give();
  }

  /** Only for shares: one that was released does not wait any more. */
  forget(hold: Hold): void {
    this.#rooms?.forget(hold);
  }

  /** Where replies wait for room. */
  get rooms(): ReplyRooms {
    this.#rooms ??= new ReplyRooms(this);
    return this.#rooms;
  }
}

/** One share of the budget. The part that opens it releases it; releasing it again does nothing. */
export class Hold {
  readonly #budget: Budget;
  readonly #sinceMs: number;
  readonly #place: Place | undefined;
  readonly #manner: Manner;
  #kind: HeldKind;
  #bytes = 0;
  #keepers = 0;
  /** It was released, but others still keep it. */
  #isDue = false;
  #isReleased = false;

  constructor(budget: Budget, kind: HeldKind, sinceMs: number, place: Place | undefined, manner: Manner = 'asked') {
    this.#budget = budget;
    this.#kind = kind;
    this.#sinceMs = sinceMs;
    this.#place = place;
    this.#manner = manner;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes the share hold this many bytes in all, never fewer than before. @returns a fault when they do not fit: then nothing changed */
  grow(bytes: number): Fault | undefined {
    if (bytes <= this.#bytes) return undefined;
    if (this.#budget.overBytes + bytes - this.#bytes > 0) return this.#budget.full();
    this.set(bytes);
    return undefined;
  }

  /**
  The same, for bytes that have become longer here, such as an event that is written as JSON. While others hold next to
  nothing they always fit: they were received within the limit, so refusing them now would refuse them every time.
  */
  growAlone(bytes: number): Fault | undefined {
    const {heldBytes, maxBytes} = this.#budget;
    if (heldBytes - this.#bytes > maxBytes / 16) return this.grow(bytes);
    if (bytes > this.#bytes) this.set(bytes);
    return undefined;
  }

  /**
  The same, for a reply, which the function has made already. A small one always fits; a large one may wait for room.

  @param given called later if it has to wait: without a fault once it holds the bytes, with a fault when it does not get them
  @returns true when it holds them now
  */
  growReply(bytes: number, given: (fault?: Fault) => void): boolean {
    if (bytes <= this.#bytes || this.#isReleased) return true;
    const reply = {hold: this, bytes, place: this.#place, manner: this.#manner, given};
    if (bytes > smallReply && !this.#budget.rooms.take(reply)) return false;
    this.set(bytes);
    return true;
  }

  /** Makes the share hold exactly this many bytes, even if they do not fit, as they exist already or are gone. */
  set(bytes: number): undefined {
    if (this.#isReleased) return;
    const change = bytes - this.#bytes;
    if (change === 0) return;
    this.#bytes = bytes;
    this.#place?.held(change);
    this.#budget.add(this.#kind, change);
  }

  /** The bytes are of another kind from now on, such as a body that became an event. */
  become(kind: HeldKind): void {
    const bytes = this.#bytes;
    this.set(0);
    this.#kind = kind;
    this.set(bytes);
  }

  /** Another part needs the bytes, too: a release waits for its `letGo`. */
  keep(): void {
    this.#keepers++;
  }

  /** Called once for each `keep`. */
  letGo(): void {
    this.#keepers--;
    if (this.#isDue) this.release();
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isDue = true;
    if (this.#keepers > 0) return;
    const hadBytes = this.#bytes > 0;
    this.set(0);
    this.#isReleased = true;
    this.#budget.forget(this);
    if (!hadBytes) return;
    const budget = this.#budget;
    budget.holdMs += (budget.clock.monotonic() - this.#sinceMs - budget.holdMs) / 10;
  }
}
