import {failed} from '../insist.ts';
import type {BoardHouse} from './board-house.ts';
import {Echoes} from './echoes.ts';
import {type Item, isOver, readItem} from './item.ts';
import {LatePlaces} from './late-places.ts';
import {Living} from './living.ts';
import {LostCores} from './lost-cores.ts';
import {Standing} from './standing.ts';
import {Tail} from './tail.ts';

/** How often cores that hold work are looked for. */
const lookMs = 3000;
/** How long another core waits before it takes what this one would begin with, and the other way round. */
const graceMs = 100;
/** How long is waited for what work there is, while all of it comes anew. */
const knownMs = 15_000;

/** What all cores have written about work, as this one has heard of it. */
export class Board {
  readonly standing = new Standing();
  /** What this core runs, by id, as it stood when it was claimed. */
  readonly held = new Map<string, Item>();
  /** Items that this core asks for now. */
  readonly asked = new Set<string>();
  readonly #house: BoardHouse;
  readonly #living: Living;
  readonly #tail: Tail;
  readonly #lost: LostCores;
  readonly #late = new LatePlaces();
  readonly #echoes: Echoes;
  #ready = Promise.withResolvers<void>();
  #begun: Promise<void> | undefined;
  #stopLooking: (() => void) | undefined = () => {};
  /** The newest message that this core has written. */
  #written = 0;
  /** Items that had not ended, while they come anew; 0 otherwise, and undefined before they were ever known. */
  #aliveBefore: number | undefined;
  tellLost = (_ids: readonly string[]) => {};
  tellDue = () => {};
  tellOver = (_id: string) => {};
  tellStop = (_id: string) => {};
  #stopStops = () => {};

  constructor(house: BoardHouse) {
    this.#house = house;
    this.#echoes = new Echoes(house);
    this.#lost = new LostCores(house);
    this.#living = new Living(house.core, house.commits.patience.clock);
    const {work, places, leases} = house.subjects;
    this.#tail = new Tail({...house, patience: house.commits.patience}, [work, places, leases], {
      reset: () => this.#reset(),
      message: ({subject, sequence, body}) => this.#hear(subject, sequence, body),
      caughtUp: () => {
        this.#aliveBefore = 0;
        this.#ready.resolve();
        this.tellDue();
      },
    });
  }

  /**
  Resolves when the work that is there is known, with all that this core has written. It begins with the first call. While
  everything comes anew nothing is known: an item may come before the one that it waits for.

  @throws Fault JOURNAL_FAILED
  */
  async known(): Promise<Standing> {
    this.#begun ??= this.#begin();
    await this.#begun;
    for (;;) {
      const ready = this.#ready;
      await this.#within(ready.promise);
      if (ready === this.#ready && this.standing.applied < this.#written) await this.#echoes.of(this.#written);
      if (ready === this.#ready) return this.standing;
    }
  }

  /**
  How many items have not ended, as far as this core has heard. While everything comes anew, as many as before: who sends work
  need not wait for that.

  @throws Fault JOURNAL_FAILED before it was ever known
  */
  async alive(): Promise<number> {
    if (this.#aliveBefore === undefined) return (await this.known()).alive;
    return Math.max(this.#aliveBefore, this.standing.alive);
  }

  /** Notes what this core has written. */
  wrote(id: string, sequence: number, item: Item | undefined): void {
    this.#written = Math.max(this.#written, sequence);
    this.standing.apply(id, sequence, item);
  }

  /** The item as it is now, after it was found to be another than was thought. */
  async refresh(id: string): Promise<Item | undefined> {
    const newest = await this.#house.commits.reading.lastNow(this.#house.subjects.item(id));
    if (newest) this.standing.apply(id, newest.sequence, readItem(newest));
    else this.standing.forget(id);
    return newest && readItem(newest);
  }

  /** When this core may ask for an item that waits. */
  dueHere(item: Item): number {
    return this.#living.isFirst(item.id) ? item.due : item.due + graceMs;
  }

  /** What an item that runs has lost: its core has ended, or this core was not told that its claim was kept. */
  lost(item: Item): 'core' | 'claim' | undefined {
    if (item.holder !== this.#house.core) return this.#lost.has(item.holder) ? 'core' : undefined;
    return this.held.get(item.id)?.epoch === item.epoch || this.asked.has(item.id) ? undefined : 'claim';
  }

  end(): void {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    this.#lost.end();
    this.#stopStops();
    this.#tail.end();
  }

  async #begin(): Promise<void> {
    try {
      await this.#tail.begin();
      const {transport, subjects} = this.#house;
      this.#stopStops = transport.subscribe(subjects.stop, ({body}) => this.tellStop(`${Buffer.from(body)}`));
      this.#look();
    } catch (error) {
      this.#begun = undefined; // the next call tries again
      throw error;
    }
  }

  #reset(): void {
    if (this.#aliveBefore !== undefined) this.#aliveBefore = Math.max(this.#aliveBefore, this.standing.alive);
    this.standing.reset();
    this.#ready.resolve(); // whoever waits then waits for the next one
    this.#ready = Promise.withResolvers<void>();
  }

  #hear(subject: string, sequence: number, body: Uint8Array): void {
    const token = subject.slice(subject.lastIndexOf('.') + 1);
    const before = this.standing.next();
    const {work, places} = this.#house.subjects;
    if (subject.startsWith(work.slice(0, -1))) this.#hearItem(token, sequence, body);
    else if (subject.startsWith(places.slice(0, -1))) this.#hearPlace(sequence, body);
    else this.#hearLease(token, body);
    this.standing.reached(sequence);
    this.#echoes.heard(sequence);
    if (this.standing.next() !== before) this.tellDue();
  }

  #hearItem(token: string, sequence: number, body: Uint8Array): void {
    const item = readItem({body, sequence});
    const id = item?.id ?? token;
    const isNews = this.standing.apply(id, sequence, item);
    const held = this.held.get(id);
    const isAsked = this.asked.has(id);
    const isLost = held && sequence > held.sequence && item?.epoch !== held.epoch && !isAsked;
    if (isLost && this.held.delete(id)) this.tellLost([id]); // another core has taken over what runs here
    if (isNews && !isAsked && isOver(item)) this.tellOver(id); // another core has ended it
    if (isNews && item?.status === 'waiting') this.tellDue();
  }

  #hearPlace(sequence: number, body: Uint8Array): void {
    const item = readItem({body, sequence});
    if (item) this.standing.apply(item.id, sequence, {...item, isPlace: true});
  }

  #hearLease(core: string, body: Uint8Array): void {
    const lives = Buffer.from(body).toString() === 'lives';
    this.#living.heard(core, lives);
    if (!lives) void this.#findDead();
  }

  #look(): void {
    this.#stopLooking = this.#house.after(lookMs, async () => {
      await Promise.allSettled([this.#findDead(), this.#findOver()]); // while the servers are away this fails; it is looked again
      if (this.#stopLooking) this.#look();
    });
  }

  /** What is late may be over, and hold back its key. */
  async #findOver(): Promise<void> {
    const late = this.#late.among(this.standing.places());
    for (const id of late) await this.refresh(id);
    if (late.length > 0) this.tellDue();
  }

  async #findDead(): Promise<void> {
    if (await this.#lost.look(this.standing.running())) this.tellDue();
  }

  async #within(ready: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>();
    const stopTimer = this.#house.after(knownMs, () => late.reject(failed('the servers do not tell what work there is')));
    await Promise.race([ready, late.promise]);
    stopTimer();
  }
}
