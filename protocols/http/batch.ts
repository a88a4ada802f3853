import type {Socket} from 'node:net';
import {atTurnEnd} from '../../src/clock.ts';

/** Called when the request of a sender is written. */
export interface Batched {
  readonly socket: Socket;
  written(): void;
}

/**
Requests that leave together, at the end of this turn of the event loop. A write wakes a server that sleeps. When the requests of one
turn are written one after another, they wake it once.
*/
export class Batch {
  #waiting: {sender: Batched; text: string}[] = [];

  /** @param text latin1 */
  add(sender: Batched, text: string): void {
    if (this.#waiting.push({sender, text}) === 1) atTurnEnd(this.#writeAll);
  }

  readonly #writeAll = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const {sender, text} of waiting) {
      if (sender.socket.destroyed) continue; // its caller has left meanwhile
      sender.socket.write(text, 'latin1');
      sender.written();
    }
  };
}
