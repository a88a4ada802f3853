import type {Fact} from '../../../facts.ts';
import {type Payload, RevisionConflict} from '../../../journal.ts';
import type {Change, IdempotencyKey} from '../../../work.ts';
import {type Commits, commit, type Entries} from '../commit.ts';
import {writeGroups} from '../message.ts';
import {piecesOf} from '../payloads.ts';
import type {Streams} from '../streams.ts';
import type {Subjects} from '../subjects.ts';
import type {Entry} from '../writing.ts';
import type {Board} from './board.ts';
import {endedS, type Item, readItem, type Stored, writeItem} from './item.ts';
import type {Keys} from './keys.ts';
import {placing} from './places.ts';

export interface ChangesHouse {
  readonly commits: Commits;
  readonly subjects: Subjects;
  readonly streams: Streams;
  readonly board: Board;
  now(): number;
  /** Counts what is written as waiting until it is kept, and notes how that ends. @throws Fault JOURNAL_BUSY */
  keep<T>(bytes: number, act: () => Promise<T>): Promise<T>;
  /** Facts were kept. */
  wrote(stream: string, sequence: number): void;
}

export interface Changed {
  readonly item: Item | undefined;
}

/** Somebody else has changed the item. */
class Outdated extends Error {}

/** Writes items with the facts about them, all or nothing. */
export class Changes {
  readonly #house: ChangesHouse;
  /** The last item of each key that is taken over from another journal. */
  readonly #placing = new Map<string, Promise<unknown>>();

  constructor(house: ChangesHouse) {
    this.#house = house;
  }

  /**
  Writes an item that is new.

  @throws RevisionConflict when there is an invocation with its id, or its key was used meanwhile
  */
  async begin(
    stored: Stored,
    facts: readonly Fact[],
    payloads: readonly Payload[],
    keyed: {keys: Keys; key: IdempotencyKey; guard: number} | undefined,
  ): Promise<{sequence: number; item: Item}> {
    const {subjects, streams, board} = this.#house;
    const stream = `invocation.${stored.id}`;
    const state: Entry = {subject: subjects.item(stored.id), body: writeItem(stored), guard: 0, replaces: true};
    const place = placing(subjects, undefined, stored);
    const key = keyed ? [keyed.keys.entry(keyed.key, stored.id, this.#house.now(), keyed.guard)] : [];
    board.asked.add(stored.id);
    try {
      const sequence = await this.#commit(stream, facts, payloads, {
        entries: async () => {
          const seen = await streams.revision(stream, false);
          return {before: [...key, ...place, state], guard: seen.revision === 0 ? seen.guard : await confirmed()};
        },
        refused: async () => {
          await confirmed();
          const item = await this.#house.commits.reading.lastNow(state.subject);
          if (item) throw new RevisionConflict(stream, 0, item.sequence);
          if (!keyed) return;
          const {guard} = await keyed.keys.find(keyed.key.scope, 0, true);
          if (guard !== keyed.guard) throw new RevisionConflict(stream, 0, 0);
        },
      });
      return {sequence, item: this.#note(stored, sequence - 1)};
    } finally {
      board.asked.delete(stored.id);
    }

    async function confirmed(): Promise<number> {
      const {revision, guard} = await streams.revision(stream, true);
      if (revision !== 0) throw new RevisionConflict(stream, 0, revision);
      return guard;
    }
  }

  /**
  Writes an item of another journal, whose facts are here. Those of a key are written one after the other, as that is their order.

  @returns false when there is, or lately was, one with its id
  */
  place(stored: Stored): Promise<boolean> {
    const {orderingKey} = stored;
    if (orderingKey === undefined) return this.#place(stored);
    const before = this.#placing.get(orderingKey) ?? Promise.resolve();
    const placing = before.then(() => this.#place(stored));
    this.#placing.set(
      orderingKey,
      placing.catch(() => {}),
    );
    return placing;
  }

  #place(stored: Stored): Promise<boolean> {
    const state = {subject: this.#house.subjects.item(stored.id), body: writeItem(stored), guard: 0, replaces: true};
    return this.placeOne(state, placing(this.#house.subjects, undefined, stored));
  }

  /** Writes one message of another journal, and what goes with it. @returns false when there is another than its guard says */
  async placeOne(entry: Entry, more: readonly Entry[] = []): Promise<boolean> {
    try {
      await this.#commit('', [], [], {
        entries: async () => ({before: [...more, entry], guard: undefined}),
        refused: async () => {
          const newest = await this.#house.commits.reading.lastNow(entry.subject);
          if ((newest?.sequence ?? 0) !== entry.guard) throw new Outdated();
        },
      });
      return true;
    } catch (error) {
      if (error instanceof Outdated) return false;
      throw error;
    }
  }

  /**
  Changes an item, or ends it. This core holds it afterwards only if it runs then.

  @param next undefined when it ends
  @returns it as it stands then; undefined when somebody else changed it before, and nothing was written
  */
  async change(
    item: Item,
    next: Stored | undefined,
    {facts, payloads = []}: Change,
    more: readonly Entry[] = [],
  ): Promise<Changed | undefined> {
    const {subjects, board, commits} = this.#house;
    const subject = subjects.item(item.id);
    const ended = {body: '', ttlS: endedS};
    const state: Entry = {subject, guard: item.sequence, replaces: true, ...(next ? {body: writeItem(next)} : ended)};
    board.asked.add(item.id);
    try {
      const sequence = await this.#commit(`invocation.${item.id}`, facts, payloads, {
        entries: async () => ({before: [...more, ...placing(subjects, item, next), state], guard: undefined}),
        refused: async () => {
          const newest = await commits.reading.lastNow(subject);
          if (newest?.sequence !== item.sequence) throw new Outdated();
        },
      });
      board.held.delete(item.id);
      const at = sequence - (facts.length > 0 ? 1 : 0);
      if (next) return {item: this.#note(next, at)};
      board.wrote(item.id, at, undefined);
      return {item: undefined};
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
      if (board.held.get(item.id)?.sequence === item.sequence) board.held.delete(item.id);
      await board.refresh(item.id);
      return undefined;
    } finally {
      board.asked.delete(item.id);
    }
  }

  async #commit(
    stream: string,
    facts: readonly Fact[],
    payloads: readonly Payload[],
    {entries, refused}: {entries(): Promise<{before: readonly Entry[]; guard: number | undefined}>; refused(): Promise<void>},
  ): Promise<number> {
    const {subjects, commits, keep, wrote, now} = this.#house;
    const pieces = payloads.flatMap(payload => piecesOf(subjects, payload));
    const body = facts.length > 0 ? writeGroups([[stream, now(), commits.named(facts)]]) : undefined;
    const bytes = pieces.reduce((sum, piece) => sum + piece.body.length, body?.length ?? 0);
    const sequence = await keep(bytes, () =>
      commit(commits, {
        size: 'several',
        prepare: async () => {
          const {before, guard} = await entries();
          const told = body ? [{subject: subjects.of(stream), body, guard}] : [];
          return [...pieces, ...before, ...told] as unknown as Entries; // there is a state
        },
        refused,
      }),
    );
    if (body) wrote(stream, sequence);
    return sequence;
  }

  /** Notes an item as it was kept, and whether this core holds it. */
  #note(stored: Stored, sequence: number): Item {
    const {board} = this.#house;
    const item = readItem({body: writeItem(stored), sequence}) as Item; // it has not ended
    if (item.status === 'running') board.held.set(item.id, item);
    board.wrote(item.id, sequence, item);
    return item;
  }
}
