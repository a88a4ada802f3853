import {randomInt} from 'node:crypto';
import {setTimeout as pause} from 'node:timers/promises';
import type {RunningCore} from './core.ts';
import {type Answer, ask} from './request.ts';

/*
Senders of work to a core that is killed now and then: with and without idempotency keys, delays, times to expire and
ordering keys, for a function that succeeds or fails (test/fixtures/functions/core/works.cjs).
*/

export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly key?: string | undefined;
}

export interface SenderOptions {
  /** Where some of the replies are to be posted. */
  readonly callback?: string;
  /** What each body says, too. */
  readonly also?: object;
  /** What a part of the bodies says; by default some fail, for a while or for good. */
  readonly behaviours?: readonly object[];
  /** One of so many receipts is followed by a DELETE; by default 40. */
  readonly cancelsOneIn?: number;
}

export class WorkSenders {
  /** Ids that got a 202. */
  readonly promised = new Set<string>();
  /** The ids that were answered for a key. */
  readonly idsOfKey = new Map<string, Set<string>>();
  /** Statuses of answers, and how many of each. */
  readonly answers = new Map<number, number>();
  readonly orderingKeys: readonly string[];
  readonly #log: string;
  readonly #options: SenderOptions;
  /** Requests with a key that got a receipt or a reply, by their key, with the first one that they got. */
  readonly answered = new Map<string, {readonly sent: Sent; readonly answer: Answer}>();
  /** Ids that were cancelled before they had started, as the answer said. */
  readonly cancelled = new Set<string>();
  /** With a key and without an answer: they are sent again. */
  #open: Sent[] = [];
  #count = 0;

  constructor(log: string, orderingKeys: number, options: SenderOptions = {}) {
    this.#log = log;
    this.#options = options;
    this.orderingKeys = Array.from({length: orderingKeys}, (_, index) => `order-${index}`);
  }

  /** Sends until the core is gone. */
  async send(core: RunningCore, senders: number): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(Array.from({length: senders}, () => this.#sendOneByOne(core, open)));
    this.#open.push(...open); // there was no time for them
  }

  /** Sends once more what has no answer. */
  async settle(core: RunningCore): Promise<void> {
    const open = this.#open;
    this.#open = [];
    for (const sent of open) await this.#sendOnce(core, sent);
  }

  async #sendOneByOne(core: RunningCore, again: Sent[]): Promise<void> {
    for (;;) {
      const sent = again.pop() ?? this.#next();
      if (!(await this.#sendOnce(core, sent))) return;
      if (sent.key !== undefined && randomInt(4) === 0 && !(await this.#sendOnce(core, sent))) return;
      await pause(randomInt(20));
    }
  }

  /** @returns false when the core is gone */
  async #sendOnce(core: RunningCore, sent: Sent): Promise<boolean> {
    try {
      const {headers, body} = sent;
      const answer = await ask(core.url, {method: 'POST', headers, body});
      this.#note(sent, answer);
      if (answer.status === 202 && randomInt(this.#options.cancelsOneIn ?? 40) === 0) await this.#cancel(core, answer.field('location'));
      return true;
    } catch {
      if (sent.key !== undefined) this.#open.push(sent);
      return false;
    }
  }

  async #cancel(core: RunningCore, location: string): Promise<void> {
    const answer = await ask(new URL(location, core.url).href, {method: 'DELETE'});
    if (answer.status === 200) this.cancelled.add(answer.field('core-invocation-id'));
  }

  #note(sent: Sent, answer: Answer): void {
    const {key} = sent;
    this.answers.set(answer.status, (this.answers.get(answer.status) ?? 0) + 1);
    const id = answer.field('core-invocation-id');
    if (key !== undefined && answer.status < 300 && !this.answered.has(key)) this.answered.set(key, {sent, answer});
    if (answer.status !== 202) return;
    this.promised.add(id);
    if (key !== undefined) this.idsOfKey.set(key, (this.idsOfKey.get(key) ?? new Set()).add(id));
  }

  #next(): Sent {
    const {callback, also, behaviours = usual} = this.#options;
    const name = `work-${this.#count++}`;
    const isOrdered = randomInt(4) === 0;
    const isWaited = !isOrdered && randomInt(10) === 0;
    const key = isWaited || randomInt(3) === 0 ? name : undefined;
    return {
      key,
      body: JSON.stringify({name, log: this.#log, ms: randomInt(40), ...also, ...oneOf(behaviours)}),
      headers: {
        ...(!isWaited && {prefer: randomInt(8) === 0 ? 'respond-async, wait=1' : 'respond-async'}),
        ...(key !== undefined && {'idempotency-key': `"${key}"`}),
        ...(isOrdered && {'core-ordering-key': oneOf(this.orderingKeys)}),
        ...(!isWaited && oneOf(times)),
        ...(callback !== undefined && !isWaited && randomInt(3) === 0 && {'core-callback': callback}),
      },
    };
  }
}

const none = {};
const usual = [...Array<object>(30).fill(none), ...Array(4).fill({fails: 1}), {fails: 9}, {status: 404}, {status: 503}];
const times: readonly Record<string, string>[] = [
  ...Array<Record<string, string>>(8).fill(none),
  {'core-delay': '300ms'},
  {'core-delay': '2s'},
  {'core-expires': '400ms'},
];

function oneOf<T>(all: readonly T[]): T {
  return all[randomInt(all.length)] as T; // there is one
}
