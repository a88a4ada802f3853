import {type Durability, type Payload, RevisionConflict} from '../../../journal.ts';
import {beginAttempt} from '../../../work/begin-attempt.ts';
import type {
  Census,
  Change,
  Claimed,
  Enqueued,
  EnqueueOptions,
  Retry,
  Settlement,
  UsedKey,
  WorkItem,
  WorkLimits,
  WorkQuery,
  WorkState,
  WorkStatus,
  WorkStore,
} from '../../../work.ts';
import {once} from '../insist.ts';
import {lastOf} from '../message.ts';
import type {Streams} from '../streams.ts';
import {Board} from './board.ts';
import type {BoardHouse} from './board-house.ts';
import {Changes, type ChangesHouse} from './changes.ts';
import {chooseItems, claimItem} from './claim.ts';
import {callbackOf, freed, type Item, redriven, restored, type Stored, stateOf} from './item.ts';
import {Keys, pick} from './keys.ts';

export interface NatsWorkHouse extends BoardHouse, Omit<ChangesHouse, 'board'> {
  readonly streams: Streams;
  readonly promise: {readonly durability: Durability};
  now(): number;
}

type Claim = Pick<Claimed, 'id' | 'epoch'>;

const unlimited: WorkLimits = {attempts: Number.POSITIVE_INFINITY, deaths: Number.POSITIVE_INFINITY};

/**
Work in the same stream as the facts. Each item has a subject, whose newest message is its state; whoever changes it names the
message that he knows, so only one of several changes is kept. Every core has all items in memory.
*/
export class NatsWork implements WorkStore {
  readonly #house: NatsWorkHouse;
  readonly #board: Board;
  readonly #keys: Keys;
  readonly #changes: Changes;
  /** Items that are being accepted. */
  #coming = 0;

  constructor(house: NatsWorkHouse) {
    this.#house = house;
    this.#board = new Board(house);
    this.#keys = new Keys(house.commits.reading, house.subjects);
    this.#changes = new Changes({...house, board: this.#board});
  }

  async enqueue(item: WorkItem, {facts, payloads, key, claims = false, most}: EnqueueOptions): Promise<Enqueued> {
    const {core, now, promise} = this.#house;
    const alive = await this.#board.alive();
    const known = key && (await this.#keys.find(key.scope, now()));
    if (known?.first) return {kind: 'known', ...pick(known.first)};
    if (alive + this.#coming >= most) return {kind: 'full'};
    const fresh = {...item, status: 'waiting', attempts: 0, deaths: 0, epoch: 0, scope: key?.scope} as const;
    const begun = claims ? beginAttempt({...fresh, isLost: false, isEnding: false, epoch: 1}, unlimited, now()) : undefined;
    const stored: Stored = begun
      ? {...fresh, status: 'running', epoch: 1, attempts: begun.attempts, deaths: begun.deaths, holder: core, task: begun.task}
      : fresh;
    this.#coming++;
    try {
      const all = [...facts, ...(begun?.facts ?? [])];
      const {sequence, item: kept} = await this.#changes.begin(
        stored,
        all,
        payloads,
        key && {keys: this.#keys, key, guard: known?.guard ?? 0},
      );
      const claimed = begun && {...stateOf(kept, false), epoch: 1, task: begun.task};
      return {kind: 'accepted', receipt: {position: lastOf(sequence), durability: promise.durability}, ...(claimed && {claimed})};
    } catch (error) {
      if (!(error instanceof RevisionConflict) || !key) throw error;
      const {first} = await this.#keys.find(key.scope, now(), true);
      if (!first || first.id === item.id) throw error;
      return {kind: 'known', ...pick(first)};
    } finally {
      this.#coming--;
    }
  }

  async claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]> {
    const standing = await this.#board.known();
    const now = this.#house.now();
    const results = await Promise.allSettled(
      chooseItems(this.#board, standing, most, now).map(item =>
        claimItem({board: this.#board, changes: this.#changes, core: this.#house.core}, item, limits, now),
      ),
    );
    const claimed = results.flatMap(result => (result.status === 'fulfilled' && result.value ? [result.value] : []));
    const failure = results.find(({status}) => status === 'rejected');
    if (claimed.length === 0 && failure?.status === 'rejected') throw failure.reason;
    return claimed;
  }

  async settle(claim: Claim, {facts, payloads, dead, posts, freesKey}: Settlement): Promise<boolean> {
    const item = this.#held(claim);
    if (!item) return false;
    const more = freesKey ? await this.#keys.freeing(item.scope, item.id) : [];
    const now = this.#house.now();
    const next = dead ? {...freed(item), status: 'dead' as const, reason: dead, deadAt: now} : posts ? callbackOf(item, now) : undefined;
    return (await this.#changes.change(item, next, {facts, ...(payloads && {payloads})}, more)) !== undefined;
  }

  async retryAt(claim: Claim, {facts, payloads, due, isFree, deaths}: Retry): Promise<boolean> {
    const item = this.#held(claim);
    if (!item) return false;
    const next = {...freed(item), status: 'waiting', due, deaths, attempts: item.attempts - (isFree ? 1 : 0)} as const;
    return (await this.#changes.change(item, next, {facts, ...(payloads && {payloads})})) !== undefined;
  }

  async cancel(id: string, change: Change): Promise<WorkStatus | undefined> {
    for (let item = await this.#find(id); item; item = await this.#board.refresh(id)) {
      if (item.isCallback) return undefined;
      const {status} = stateOf(item, this.#board.standing.isBehind(item));
      if (item.status !== 'waiting' || (await this.#changes.change(item, undefined, change))) return status;
    }
    return undefined;
  }

  async redrive(id: string, {due, ...change}: Change & {readonly due: number}): Promise<boolean> {
    const item = await this.#find(id);
    if (item?.status !== 'dead') return false;
    return (await this.#changes.change(item, redriven(item, due), change)) !== undefined;
  }

  async drop(id: string, payloads: readonly Payload[] = []): Promise<boolean> {
    const item = await this.#find(id);
    return item?.status === 'dead' && (await this.#changes.change(item, undefined, {facts: [], payloads})) !== undefined;
  }

  restore = (state: WorkState): Promise<boolean> => this.#changes.place(restored(state));

  async restoreKey(key: UsedKey): Promise<boolean> {
    const now = this.#house.now();
    const {first, guard} = await this.#keys.find(key.scope, now, true);
    return !first && this.#changes.placeOne(this.#keys.entry(key, key.id, now, guard));
  }

  async find(id: string): Promise<WorkState | undefined> {
    const item = await this.#find(id);
    return item && stateOf(item, this.#board.standing.isBehind(item));
  }

  async list(query: WorkQuery): Promise<readonly WorkState[]> {
    return (await this.#board.known()).list(query);
  }

  async census(): Promise<Census> {
    return (await this.#board.known()).census(this.#house.now());
  }

  async nextDue(): Promise<number | undefined> {
    const first = (await this.#board.known()).next();
    return first && this.#board.dueHere(first);
  }

  onLost(tell: (ids: readonly string[]) => void): void {
    this.#board.tellLost = tell;
  }

  onDue(tell: () => void): void {
    this.#board.tellDue = tell;
  }

  onOver(tell: (id: string) => void): void {
    this.#board.tellOver = tell;
  }

  onStop(tell: (id: string) => void): void {
    this.#board.tellStop = tell;
  }

  async stopElsewhere(id: string): Promise<void> {
    await once(() => this.#house.transport.publish(this.#house.subjects.stop, id));
  }

  /** Hears nothing more. */
  async end(): Promise<void> {
    this.#board.end();
  }

  async #find(id: string): Promise<Item | undefined> {
    return (await this.#board.known()).get(id);
  }

  #held({id, epoch}: Claim): Item | undefined {
    const item = this.#board.held.get(id);
    return item?.epoch === epoch ? item : undefined;
  }
}
