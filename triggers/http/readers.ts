import type {ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import type {Budget} from '../../src/limits/budget.ts';
import {connectionOf} from './connection.ts';

/** A reply that is leaving: the system has not taken every byte of it yet. */
export interface Leaving {
  /** Bytes that it holds in memory. */
  readonly bytes: number;
  /** True for the function's reply to an event: if it is cut off, that event is lost. With a refusal or with metrics nothing is lost. */
  readonly isOfFunction?: boolean;
  /** Called once, when it has left or never will. */
  left(): void;
}

/** For a reply that nobody follows until it has left. */
export const unwatched: Leaving = {bytes: 0, left() {}};

/** How often readers are looked at. */
const lookMs = 500;
/** A client that takes less of its reply than this in this time is cut off: about one byte a millisecond. */
const windowMs = 15_000;
const leastBytes = 16 * 2 ** 10;
/** While other replies wait for room, clients that read more slowly than this are cut off, the slowest first. */
const pressedBytesPerSecond = 64 * 2 ** 10;
/** A reader is not cut off for that before this time. */
const pressedAfterMs = 2000;

interface Reader {
  readonly socket: Socket;
  readonly leaving: Leaving;
  /** Stops following the reply. Does nothing the second time. */
  readonly end: () => void;
  /** When its reply became the next to leave, and what the connection had taken then. */
  sinceMs: number;
  sinceBytes: number;
  windowMs: number;
  windowBytes: number;
  /** The rest of its reply may still be made. */
  readonly isStream: boolean;
}

/** The replies that clients are reading. A client that reads too slowly loses its connection: others need the memory. */
export class Readers {
  readonly #readers = new Map<ServerResponse, Reader>();
  readonly #budget: Budget;
  readonly #clock: Clock;
  readonly #cut: () => void;
  #isLooking = false;

  /** @param cut called for each reader that was cut off */
  constructor(budget: Budget, clock: Clock, cut: () => void) {
    this.#budget = budget;
    this.#clock = clock;
    this.#cut = cut;
  }

  /** The function's replies that have not left. */
  *[Symbol.iterator](): Generator<ServerResponse> {
    for (const [response, {leaving}] of this.#readers) if (leaving.isOfFunction) yield response;
  }

  /** Called when the head of a reply was written, of which the rest follows. */
  followStream(response: ServerResponse, leaving: Leaving): void {
    if (response.req.socket.destroyed) leaving.left();
    else this.#add(response, leaving, true);
  }

  /** Called when all of a reply was written. The system takes most of them at once. */
  follow(response: ServerResponse, leaving: Leaving): void {
    const {socket} = response.req;
    if (socket.destroyed || (response.socket && response.socket.writableLength === 0)) {
      leaving.left();
      return;
    }
    this.#add(response, leaving, false);
  }

  #add(response: ServerResponse, leaving: Leaving, isStream: boolean): void {
    const {socket} = response.req;
    const connection = connectionOf(socket);
    const end = () => {
      response.off('finish', end);
      connection.removeReply(end);
      if (this.#readers.delete(response)) leaving.left();
    };
    connection.addReply(end);
    this.#readers.set(response, {socket, leaving, end, sinceMs: -1, sinceBytes: 0, windowMs: 0, windowBytes: 0, isStream});
    response.once('finish', end);
    if (!this.#isLooking) this.#lookSoon();
  }

  #lookSoon(): void {
    this.#isLooking = true;
    this.#clock.after(lookMs, () => {
      this.#look();
      this.#isLooking = false;
      if (this.#readers.size > 0) this.#lookSoon();
    });
  }

  #look(): void {
    const now = this.#clock.monotonic();
    for (const [response, reader] of this.#readers) {
      if (response.socket === null) continue; // another reply of the same connection leaves before it
      const taken = takenBytes(reader.socket);
      // Its client waits for the function.
      if (reader.isStream && !response.writableEnded && response.writableLength === 0) reader.sinceMs = -1;
      if (reader.sinceMs < 0) Object.assign(reader, {sinceMs: now, sinceBytes: taken, windowMs: now, windowBytes: taken});
      if (now - reader.windowMs < windowMs) continue;
      if (taken - reader.windowBytes < leastBytes) this.#end(reader);
      else Object.assign(reader, {windowMs: now, windowBytes: taken});
    }
    if (this.#budget.wantedBytes > 0) this.#makeRoom(now);
  }

  #makeRoom(now: number): void {
    const slow = [...this.#readers.values()]
      .filter(({sinceMs, leaving}) => leaving.bytes > 0 && sinceMs >= 0 && now - sinceMs >= pressedAfterMs)
      .map(reader => ({reader, rate: ((takenBytes(reader.socket) - reader.sinceBytes) / (now - reader.sinceMs)) * 1000}))
      .filter(({rate}) => rate < pressedBytesPerSecond)
      .sort((a, b) => a.rate - b.rate);
    for (const {reader} of slow) {
      if (this.#budget.wantedBytes <= 0) return;
      this.#end(reader);
    }
  }

  #end({socket, end}: Reader): void {
    this.#cut();
    end(); // now, so that another reply gets the room in this turn
    socket.destroy();
  }
}

/** What the system has taken of all that was written to a connection. */
function takenBytes(socket: Socket): number {
  // Undocumented, but what Node's own timeout of sockets goes by; without it a large write shows no progress until its end.
  const {_handle: handle} = socket as Socket & {readonly _handle?: {readonly writeQueueSize?: number} | null};
  return socket.bytesWritten - (handle?.writeQueueSize ?? socket.writableLength);
}
