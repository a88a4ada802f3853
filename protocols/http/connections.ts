import type {Clock} from '../../src/clock.ts';
import type {Address} from '../../src/protocol.ts';
import {type Exchange, ServerConnection} from './server-connection.ts';

/**
Servers close idle connections, some after 2 s. We close them first, so that no call meets a closing connection: such a call
could not be sent again, as nobody knows whether it has arrived. A new connection on loopback takes a tenth of a millisecond.
*/
const idleMs = 1500;

/** How often it is looked for those that have been idle for too long. None is used meanwhile. */
const lookMs = 500;

/** The connections to one server. */
export class Connections {
  readonly #address: Address;
  /** How many are kept while they are idle. */
  readonly #most: number;
  readonly #clock: Clock;
  /** The one that was used last is used first, so that others become old. */
  readonly #idle: ServerConnection[] = [];
  #isLooking = false;
  #isClosed = false;

  constructor(address: Address, most: number, clock: Clock) {
    this.#address = address;
    this.#most = most;
    this.#clock = clock;
  }

  /** Gives an exchange a connection of its own, which tells it when it is connected unless it is already. @param isOfHead its request has the method HEAD */
  lend(exchange: Exchange, isOfHead: boolean, now: number): ServerConnection {
    const connection = this.#newest(now) ?? new ServerConnection(this.#address);
    connection.lend(exchange, isOfHead);
    return connection;
  }

  /** The exchange on it has ended: another one may have it. */
  giveBack(connection: ServerConnection): void {
    const keepMs = Math.min(connection.keepMs, idleMs);
    if (keepMs === 0 || !connection.isUsable || this.#isClosed || this.#idle.length >= this.#most) {
      connection.destroy();
      return;
    }
    connection.giveBack();
    connection.untilMs = this.#clock.monotonic() + keepMs;
    this.#idle.push(connection);
    if (!this.#isLooking) this.#lookSoon();
  }

  destroy(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #newest(now: number): ServerConnection | undefined {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isUsable && connection.untilMs > now) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #lookSoon(): void {
    this.#isLooking = true;
    this.#clock.after(lookMs, () => {
      this.#look();
      this.#isLooking = this.#idle.length > 0;
      if (this.#isLooking) this.#lookSoon();
    });
  }

  #look(): void {
    const now = this.#clock.monotonic();
    for (const connection of this.#idle.splice(0)) {
      if (connection.isUsable && connection.untilMs > now) this.#idle.push(connection);
      else connection.destroy();
    }
  }
}
