import type {ChannelCall} from './channel-call.ts';

/** Calls that may have left their places before they have ended. */
const unended = 100;

/**
The calls that are open on a channel, by number. Numbers count on, so that a late frame meets no other call. They lie in a ring:
a Map to which calls come and go tens of thousands of times a second builds its table anew all the time, and what the
old tables hold survives collections of garbage. It cost half of the time of a call on the channel.
*/
export class OpenCalls {
  readonly #ring: (ChannelCall | undefined)[];
  readonly #mostUnended: number;
  #size = 0;
  #newest = 0;

  /** @param places calls at a time, beside those whose places are free although they have not ended */
  constructor(places: number) {
    this.#mostUnended = places + unended;
    this.#ring = new Array(2 ** Math.ceil(Math.log2(2 * (this.#mostUnended + places)))).fill(undefined); // half of it stays free: a number is found soon
  }

  /** A call may leave its place before it has ended. */
  get hasRoom(): boolean {
    return this.#size <= this.#mostUnended;
  }

  get size(): number {
    return this.#size;
  }

  /** A number that no open call has. @throws RangeError when more calls are open than were announced */
  freeNumber(): number {
    if (this.#size >= this.#ring.length - 1)
      throw new RangeError(`Expected at most ${this.#ring.length / 2} calls at a time in one sub-runtime`);
    do this.#newest = (this.#newest + 1) >>> 0;
    while (this.#newest === 0 || this.#ring[this.#newest % this.#ring.length]);
    return this.#newest;
  }

  add(call: ChannelCall): void {
    this.#ring[call.number % this.#ring.length] = call;
    this.#size++;
  }

  get(number: number): ChannelCall | undefined {
    const call = this.#ring[number % this.#ring.length];
    return call?.number === number ? call : undefined;
  }

  remove(call: ChannelCall): void {
    this.#ring[call.number % this.#ring.length] = undefined;
    this.#size--;
  }

  all(): ChannelCall[] {
    return this.#ring.filter(call => call !== undefined);
  }

  /** Takes all of them out. */
  takeAll(): ChannelCall[] {
    const all = this.all();
    this.#ring.fill(undefined);
    this.#size = 0;
    return all;
  }
}
