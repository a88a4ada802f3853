import {randomUUID} from 'node:crypto';
import {setTimeout as pause} from 'node:timers/promises';
import {shuffled} from './troubles.ts';

/** Something that a core has acknowledged. */
export interface Acknowledged {
  readonly id: string;
  readonly name: string;
  readonly orderingKey?: string | undefined;
  /** How many were acknowledged before with the same ordering key. */
  readonly number: number;
}

export interface SenderOptions {
  /** Addresses of the cores that are there now. */
  readonly urls: () => readonly string[];
  readonly log: string;
  readonly signal: AbortSignal;
}

/** A caller who waits longer asks another core, under the same key, as a load balancer does. */
const answerMs = 10_000;
/** How long a load balancer leaves out a core that did not answer at all, as long as there is another one. */
const leftOutMs = 10_000;

/** Time in which nothing of a sender was acknowledged, and why not. */
export interface Stall {
  /** When it began, as `performance.now()` has it. */
  readonly from: number;
  readonly ms: number;
  /** How each try ended, and how long it took. */
  readonly tries: readonly string[];
}

/** Sends work to any core, one item after the other, each again under its key until a core has acknowledged it. */
export class Sender {
  readonly acknowledged: Acknowledged[] = [];
  /** Names for which two ids were given. */
  readonly doubled: string[] = [];
  /** Longest time between two acknowledgements. */
  longest: Stall = {from: 0, ms: 0, tries: []};
  #tries: string[] = [];
  #failed: string | undefined;
  readonly #silentAt = new Map<string, number>();
  readonly #options: SenderOptions;
  readonly #orderingKey: string | undefined;

  constructor(options: SenderOptions, orderingKey?: string) {
    this.#options = options;
    this.#orderingKey = orderingKey;
  }

  async run(): Promise<void> {
    for (let last = performance.now(); !this.#options.signal.aborted; ) {
      const name = randomUUID();
      const delay = this.#orderingKey === undefined && Math.random() < 0.15 ? `${Math.ceil(Math.random() * 10)}s` : undefined;
      const id = await this.#insist(name, delay);
      if (id === undefined) return;
      const now = performance.now();
      if (now - last > this.longest.ms) this.longest = {from: last, ms: now - last, tries: this.#tries};
      last = now;
      this.acknowledged.push({id, name, orderingKey: this.#orderingKey, number: this.acknowledged.length});
      if (Math.random() < 0.1 && (await this.#send(name, delay).catch(() => id)) !== id) this.doubled.push(name);
      await pause(Math.random() * 60);
    }
  }

  /** @returns undefined when the time is over before anything was acknowledged */
  async #insist(name: string, delay: string | undefined): Promise<string | undefined> {
    this.#tries = [];
    while (!this.#options.signal.aborted) {
      const from = performance.now();
      const told = await this.#send(name, delay).catch((error: Error) => error);
      if (typeof told === 'string') return told;
      this.#tries.push(`${Math.round(performance.now() - from)} ms: ${told.name === 'TimeoutError' ? 'no answer' : told.message}`);
      await pause(100);
    }
    return undefined;
  }

  async #send(name: string, delay: string | undefined): Promise<string> {
    const url = this.#choose();
    this.#failed = url; // unless it accepts
    const answer = await this.#ask(url, name, delay);
    if (answer.status !== 202) throw new Error(`${answer.status} ${answer.headers.get('core-error')}`);
    const {id} = (await answer.json()) as {id: string};
    this.#failed = undefined;
    return id;
  }

  /** Another one than that which has just failed; one that did not answer lately only if there is no other. */
  #choose(): string {
    const now = performance.now();
    const urls = this.#options.urls().filter(url => url !== this.#failed);
    const answering = urls.filter(url => now - (this.#silentAt.get(url) ?? Number.NEGATIVE_INFINITY) > leftOutMs);
    return shuffled(answering.length > 0 ? answering : urls)[0] ?? 'http://127.0.0.1:9';
  }

  #ask(url: string, name: string, delay: string | undefined): Promise<Response> {
    const asked = fetch(url, {
      method: 'POST',
      body: JSON.stringify({name, log: this.#options.log}),
      headers: {
        prefer: 'respond-async',
        'idempotency-key': `"${name}"`,
        ...(delay !== undefined && {'core-delay': delay}),
        ...(this.#orderingKey !== undefined && {'core-ordering-key': this.#orderingKey}),
      },
      signal: AbortSignal.timeout(answerMs),
    });
    asked.catch(() => this.#silentAt.set(url, performance.now()));
    return asked;
  }
}
