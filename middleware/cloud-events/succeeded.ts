import {createHash} from 'node:crypto';
import type {Clock} from '../../src/clock.ts';
import type {RequestInput} from '../../src/delivery.ts';
import {keyOf} from './attributes.ts';
import type {Unpacked} from './structured.ts';

/** What became of an event. */
export interface Delivered {
  readonly id: string;
  readonly source: string;
  readonly invocationId: string;
  readonly status: number;
}

/** Most events that are remembered: the oldest are forgotten first. */
const mostEvents = 10_000;
/** Senders repeat within seconds or minutes; what comes later is called with again. */
const rememberedMs = 600_000;

interface Remembered {
  readonly delivered: Delivered;
  readonly until: number;
}

/**
The events that have succeeded of batches that did not succeed as a whole, so that a batch that is sent again calls only with
what is left of it. Kept in memory, as a hash of what makes them the same: sender, address, name and data.
*/
export class Succeeded {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #events = new Map<string, Remembered>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#events.size;
  }

  find(key: string): Delivered | undefined {
    const found = this.#events.get(key);
    return found && found.until > this.#clock.monotonic() ? found.delivered : undefined;
  }

  add(key: string, delivered: Delivered): void {
    this.#forgetOld();
    if (!this.#events.has(key)) this.#events.set(key, {delivered, until: this.#clock.monotonic() + rememberedMs});
  }

  forget(key: string): void {
    this.#events.delete(key);
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [key, {until}] of this.#events) {
      if (until > now && this.#events.size < mostEvents) return;
      this.#events.delete(key);
    }
  }
}

/** The same for an event that is sent again. Another sender, or other data under the same name, has another. */
export function keyOfEvent(subject: string, event: Unpacked): string {
  const {method, path, query, headers, body}: RequestInput = event.request;
  const own = headers.filter((_, at) => /^(?:content-type|ce-.*)$/i.test(headers[at - (at % 2)] ?? ''));
  return createHash('sha256')
    .update(JSON.stringify([keyOf(event), subject, method, path, query, own]))
    .update(body)
    .digest('base64');
}
