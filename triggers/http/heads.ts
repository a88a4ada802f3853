import type {Socket} from 'node:net';
import type {Clock} from '../../src/clock.ts';
import type {Fault} from '../../src/errors.ts';
import type {Budget, Hold} from '../../src/limits/budget.ts';
import type {Connection} from './connection.ts';

/** How often the watch looks: Node reports a head when it is whole. Until then it may grow to 1 MiB on every connection. */
const lookMs = 200;
/** A shorter head is never refused: ordinary callers are in the middle of one at any moment. */
const longBytes = 16 * 2 ** 10;

/** Counts what was received of heads that are not whole as bytes in flight. Past the limit the longest are refused. */
export class HeadWatch {
  readonly #connections: ReadonlySet<Connection>;
  readonly #budget: Budget;
  readonly #hold: Hold;
  readonly #clock: Clock;
  readonly #refuse: (socket: Socket, fault: Fault) => void;
  #isLooking = false;

  constructor(connections: ReadonlySet<Connection>, budget: Budget, clock: Clock, refuse: (socket: Socket, fault: Fault) => void) {
    this.#connections = connections;
    this.#budget = budget;
    this.#hold = budget.open('head');
    this.#clock = clock;
    this.#refuse = refuse;
  }

  /** Called when a connection was added. Looks until the last one is gone. */
  start(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#clock.after(lookMs, () => {
      this.#look();
      this.#isLooking = this.#connections.size > 0;
      if (this.#isLooking) this.#lookSoon();
    });
  }

  #look(): void {
    const heads: {socket: Socket; bytes: number}[] = [];
    let headBytes = 0;
    for (const {socket, unservedBytes: bytes} of this.#connections) {
      headBytes += bytes;
      if (bytes >= longBytes) heads.push({socket, bytes});
    }
    const hold = this.#hold;
    hold.set(headBytes);
    if (this.#budget.overBytes <= 0) return;
    for (const {socket, bytes} of heads.sort((a, b) => b.bytes - a.bytes)) {
      if (this.#budget.overBytes <= 0) return;
      hold.set(hold.bytes - bytes);
      this.#refuse(socket, this.#budget.full());
    }
  }
}
