import type {Payload} from '../../journal.ts';
import type {Append, Bundle, Part} from './messages.ts';
import type {Taken, Waiter} from './waiter.ts';

/*
Many appends as one command. As objects they cost more on the way to the writer's thread than all the rest of them, so they
travel as a few long lists.
*/

/** Larger ones are commands of their own: there may be room for some of them only. */
const mostBytes = 2 ** 16;
const firstBytes = 2 ** 14;

/** The same as the writer does it. */
export function unbundled({streams, lasts, text, begins, names, ends, bytes}: Bundle): Append {
  const parts: Part[] = streams.map((stream, index) => ({stream, last: lasts[index] ?? 0}));
  const payloads: Payload[] = names.map((name, index) => ({name, bytes: bytes.subarray(ends[index - 1] ?? 0, ends[index])}));
  return {stream: streams[0] ?? '', text, count: lasts.at(-1) ?? 0, begins, parts, payloads};
}

/** Gathers appends of which nothing is expected. */
export class BundledAppends {
  readonly #begins: boolean;
  #streams: string[] = [];
  #lasts: number[] = [];
  #text = '';
  #names: string[] = [];
  #ends: number[] = [];
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;
  #waiters: Waiter[] = [];

  constructor(begins: boolean) {
    this.#begins = begins;
  }

  get size(): number {
    return this.#streams.length;
  }

  /** False when it is too large to be one of many. */
  fits({payloads = []}: Append): boolean {
    return payloads.reduce((sum, {bytes}) => sum + bytes.length, this.#length) <= mostBytes;
  }

  has(stream: string): boolean {
    return this.#streams.includes(stream);
  }

  add({stream, text, count, payloads = []}: Append, waiter: Waiter): void {
    this.#streams.push(stream);
    this.#lasts.push((this.#lasts.at(-1) ?? 0) + count);
    this.#text += text;
    this.#waiters.push(waiter);
    for (const {name, bytes} of payloads) {
      this.#room(bytes.length);
      this.#bytes.set(bytes, this.#length);
      this.#length += bytes.length;
      this.#names.push(name);
      this.#ends.push(this.#length);
    }
  }

  /** What was gathered, in memory of its own, as a message copies all the memory that an array is a part of. */
  take(): {bundle: Bundle; waiter: Waiter} {
    const bytes = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(bytes, 0, 0, this.#length);
    const bundle = {
      streams: this.#streams,
      lasts: this.#lasts,
      text: this.#text,
      begins: this.#begins,
      names: this.#names,
      ends: this.#ends,
      bytes,
    };
    const waiter = waiterOf(this.#waiters, this.#lasts);
    [this.#streams, this.#lasts, this.#text, this.#waiters] = [[], [], '', []];
    [this.#names, this.#ends, this.#length] = [[], [], 0];
    return {bundle, waiter};
  }

  #room(bytes: number): void {
    let size = this.#bytes.length;
    while (this.#length + bytes > size) size *= 2;
    if (size === this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Tells each where its newest fact stands. */
function waiterOf(waiters: readonly Waiter[], lasts: readonly number[]): Waiter {
  const count = lasts.at(-1) ?? 0;
  const placed = (outcome: Taken, index: number): Taken =>
    'position' in outcome ? {position: outcome.position - count + (lasts[index] ?? count)} : outcome;
  return {
    resolve(outcome) {
      for (const [index, waiter] of waiters.entries()) waiter.resolve(placed(outcome, index));
    },
    reject(error) {
      for (const waiter of waiters) waiter.reject(error);
    },
  };
}
