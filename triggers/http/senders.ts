import type {Clock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import type {Hold} from '../../src/limits/budget.ts';

/** When there is no room, bodies that arrive more slowly than this are refused, the slowest first. */
const leastBytesPerSecond = 64 * 2 ** 10;
/** A sender is not refused for that before this time. */
const leastMs = 1000;

export interface Sender {
  readonly hold: Hold;
  readonly sinceMs: number;
  readonly stop: (fault: Fault) => void;
  receivedBytes: number;
}

/** The bodies that are being received. When memory runs out, slow ones are refused, so that others get their memory. */
export class Senders {
  readonly #senders = new Set<Sender>();
  readonly #clock: Clock;
  readonly #cut: () => void;

  /** @param cut called for each that was refused for being slow */
  constructor(clock: Clock, cut: () => void) {
    this.#clock = clock;
    this.#cut = cut;
  }

  /** @param stop refuses the body and calls `end` */
  add(hold: Hold, stop: (fault: Fault) => void): Sender {
    const sender = {hold, sinceMs: this.#clock.monotonic(), stop, receivedBytes: 0};
    this.#senders.add(sender);
    return sender;
  }

  end(sender: Sender): void {
    this.#senders.delete(sender);
  }

  /**
  Makes a share hold this many bytes in all. When there is no room for them, slow senders are refused.

  @returns a fault when there is still no room
  */
  grow(hold: Hold, bytes: number): Fault | undefined {
    let full = hold.grow(bytes);
    if (!full) return undefined;
    for (const sender of this.#slowest(hold)) {
      this.#refuse(sender);
      full = hold.grow(bytes);
      if (!full) return undefined;
    }
    return full;
  }

  /** Others wait for their turn to be received. */
  refuseSlow(): void {
    for (const sender of this.#slowest()) this.#refuse(sender);
  }

  #slowest(except?: Hold): Sender[] {
    const now = this.#clock.monotonic();
    return [...this.#senders]
      .filter(sender => sender.hold !== except && now - sender.sinceMs >= leastMs)
      .map(sender => ({sender, rate: (sender.receivedBytes / (now - sender.sinceMs)) * 1000}))
      .filter(({rate}) => rate < leastBytesPerSecond)
      .sort((a, b) => a.rate - b.rate)
      .map(({sender}) => sender);
  }

  #refuse(sender: Sender): void {
    sender.hold.release();
    sender.stop(new Fault('INFLIGHT_FULL', {message: 'Too many bytes are in flight here, and this body came slowly', retryAfterS: 1}));
    this.#cut();
  }
}
