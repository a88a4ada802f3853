import type {Census, WorkQuery, WorkState, WorkStatus} from '../../../work.ts';
import {DueHeap} from './due-heap.ts';
import {holdsBack, type Item, stateOf} from './item.ts';

/** An heap that has so many outdated entries for each item is made anew. */
const mostOutdated = 4;

/**
All items, as the messages about them say, in memory. Every core applies the same messages in the same order, so what is the
first of its key for one core is that for all: it stays the first until it ends, and whoever claims it on an old view fails at
the number of its message.
*/
export class Standing {
  readonly #items = new Map<string, Item>();
  /** Of each key, by order. */
  readonly #keys = new Map<string, Item[]>();
  /** Items that have ended by messages which were not applied in order yet. */
  readonly #ended = new Map<string, number>();
  /** The first of their keys, if nothing came before them that was not heard yet. */
  readonly #early: string[] = [];
  readonly #running = new Map<string, Item>();
  /** Items of which only the place was heard. */
  readonly #places = new Set<string>();
  #due = new DueHeap();
  /** Every message up to this one is applied. */
  #applied = 0;
  alive = 0;

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  get applied(): number {
    return this.#applied;
  }

  /** Forgets everything: all items come again. */
  reset(): void {
    this.#items.clear();
    this.#keys.clear();
    this.#ended.clear();
    this.#running.clear();
    this.#places.clear();
    this.#early.length = 0;
    this.#due = new DueHeap();
    this.alive = 0;
    this.#applied = 0;
  }

  /** All messages up to this one were applied. */
  reached(sequence: number): void {
    this.#applied = Math.max(this.#applied, sequence);
    for (const [id, at] of this.#ended) if (at <= this.#applied) this.#ended.delete(id);
    for (const id of this.#early.splice(0)) this.#expect(this.#items.get(id));
  }

  /** @param item undefined when it has ended @returns false when it is known already, or newer is */
  apply(id: string, sequence: number, item: Item | undefined): boolean {
    const known = this.#items.get(id);
    if ((known?.sequence ?? this.#ended.get(id) ?? 0) >= sequence) return false;
    // What was read a moment ago: it has ended since, or the message that replaced this one is still to come.
    if (item && !known && sequence <= this.#applied) return false;
    if (known) this.#remove(known);
    if (item) this.#add(item);
    else if (sequence > this.#applied) this.#ended.set(id, sequence);
    return true;
  }

  /** An item waits behind another one of its key, or may: perhaps what came before it was not heard yet. */
  isBehind(item: Item): boolean {
    if (item.orderingKey === undefined || !holdsBack(item) || item.status !== 'waiting') return false;
    return this.#keys.get(item.orderingKey)?.[0]?.id !== item.id || item.order > this.#applied;
  }

  /** Items that wait and are due, the longest due first. They stay due until a message says otherwise. */
  *due(now: number): Generator<Item> {
    const seen: Item[] = [];
    try {
      for (let first = this.#first(); first && first.due <= now; first = this.#first()) {
        this.#due.take();
        if (seen.includes(first)) continue;
        seen.push(first);
        yield first;
      }
    } finally {
      for (const {id} of seen) this.#expect(this.#items.get(id));
    }
  }

  /** The first item that becomes due. */
  next(): Item | undefined {
    return this.#first();
  }

  /** Items that run, or did until their core ended. */
  running(): Iterable<Item> {
    return this.#running.values();
  }

  /** Items of which only the place was heard: how they stand comes at once, or they have changed since. */
  places(): Iterable<string> {
    return this.#places;
  }

  /** Forgets an item of which nothing is kept any more. */
  forget(id: string): void {
    const known = this.#items.get(id);
    if (known) this.#remove(known);
  }

  list({status, after, limit, orderingKey}: WorkQuery): WorkState[] {
    const found: Item[] = [];
    for (const item of this.#items.values()) {
      if (after !== undefined && item.id <= after) continue;
      if (orderingKey !== undefined && item.orderingKey !== orderingKey) continue;
      if (status === undefined || this.#statusOf(item) === status) found.push(item);
    }
    // Only what is wanted becomes a state: of many items that costs more than to go through all.
    const first = found.sort((one, other) => (one.id < other.id ? -1 : 1)).slice(0, limit);
    return first.map(item => stateOf(item, this.isBehind(item)));
  }

  census(now: number): Census {
    const counts = {waiting: 0, due: 0, behind: 0, running: 0, dead: 0};
    let oldest: number | undefined;
    for (const item of this.#items.values()) {
      const status = this.#statusOf(item);
      counts[status]++;
      if (status === 'waiting' && item.due <= now) counts.due++;
      if (status !== 'dead' && (oldest === undefined || item.acceptedAt < oldest)) oldest = item.acceptedAt;
    }
    return {...counts, oldest, next: this.#first()?.due};
  }

  #statusOf(item: Item): WorkStatus {
    return this.isBehind(item) ? 'behind' : item.status;
  }

  #add(item: Item): void {
    this.#items.set(item.id, item);
    if (item.status === 'running') this.#running.set(item.id, item);
    if (item.isPlace) this.#places.add(item.id);
    if (item.status !== 'dead') this.alive++;
    if (item.orderingKey !== undefined && holdsBack(item)) {
      const others = this.#keys.get(item.orderingKey) ?? [];
      const at = others.findLastIndex(other => other.order <= item.order);
      others.splice(at + 1, 0, item);
      this.#keys.set(item.orderingKey, others);
    }
    this.#expect(item);
  }

  #remove(item: Item): void {
    this.#items.delete(item.id);
    this.#running.delete(item.id);
    this.#places.delete(item.id);
    if (item.status !== 'dead') this.alive--;
    const others = item.orderingKey === undefined ? undefined : this.#keys.get(item.orderingKey);
    const at = others?.indexOf(item) ?? -1;
    if (others === undefined || at < 0 || item.orderingKey === undefined) return;
    others.splice(at, 1);
    if (others.length === 0) this.#keys.delete(item.orderingKey);
    else if (at === 0) this.#expect(others[0]);
  }

  /** Puts an item among those that become due. */
  #expect(item: Item | undefined): void {
    if (item?.status !== 'waiting' || item.isPlace) return;
    if (this.#due.size > mostOutdated * (this.#items.size + 16)) this.#tidy();
    this.#due.add(item.due, item.id);
  }

  /** Without entries that are outdated. */
  #first(): Item | undefined {
    for (let entry = this.#due.first; entry; entry = this.#due.first) {
      const item = this.#items.get(entry.id);
      const isOutdated = item?.status !== 'waiting' || item.isPlace || item.due !== entry.due;
      if (!isOutdated && !this.isBehind(item)) return item;
      this.#due.take(); // it is expected again when it becomes the first of its key
      if (!isOutdated && item.order > this.#applied) this.#early.push(item.id);
    }
    return undefined;
  }

  #tidy(): void {
    this.#due = new DueHeap();
    for (const {status, isPlace, due, id} of this.#items.values()) if (status === 'waiting' && !isPlace) this.#due.add(due, id);
  }
}
