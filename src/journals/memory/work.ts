import type {Fact} from '../../facts.ts';
import type {AppendOptions, Payload, Receipt} from '../../journal.ts';
import {beginAttempt} from '../../work/begin-attempt.ts';
import type {
  Census,
  Change,
  Claimed,
  Enqueued,
  EnqueueOptions,
  IdempotencyKey,
  Retry,
  Settlement,
  WorkItem,
  WorkLimits,
  WorkQuery,
  WorkState,
  WorkStatus,
  WorkStore,
} from '../../work.ts';

export interface MemoryWorkHouse {
  /** At once: between the look at an item and its change nothing else may happen. @throws Fault JOURNAL_FAILED; RevisionConflict */
  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Receipt;
  record(stream: string, facts: readonly Fact[], payloads?: readonly Payload[]): void;
  now(): number;
}

type Entry = {-readonly [M in keyof WorkState]: WorkState[M]} & {epoch: number};
type Claim = Pick<Claimed, 'id' | 'epoch'>;

/** Work that lives and dies with the process, as everything in this journal. For tests, and for calls with a key. */
export class MemoryWork implements WorkStore {
  readonly #house: MemoryWorkHouse;
  /** In the order in which they were accepted. */
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new Map<string, IdempotencyKey & {id: string}>();

  constructor(house: MemoryWorkHouse) {
    this.#house = house;
  }

  async enqueue(item: WorkItem, {facts, payloads, key, claims, most}: EnqueueOptions): Promise<Enqueued> {
    const now = this.#house.now();
    const known = key && this.#keys.get(key.scope);
    if (known && known.until > now) return {kind: 'known', id: known.id, fingerprint: known.fingerprint};
    if (this.#alive().length >= most) return {kind: 'full'};
    const receipt = this.#house.append(`invocation.${item.id}`, facts, {payloads, expect: 0});
    if (key) this.#remember(key, item.id, now);
    const status = item.orderingKey !== undefined && this.#head(item.orderingKey) ? 'behind' : 'waiting';
    const entry = {...item, status, attempts: 0, deaths: 0, epoch: 0} as const;
    this.#entries.set(item.id, entry);
    return {kind: 'accepted', receipt, ...(claims && {claimed: this.#begin(entry, unlimited, now)})};
  }

  async claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]> {
    const now = this.#house.now();
    const due = [...this.#entries.values()].filter(entry => entry.status === 'waiting' && entry.due <= now);
    return due
      .sort((one, other) => one.due - other.due)
      .slice(0, most)
      .map(entry => this.#begin(entry, limits, now));
  }

  async settle(claim: Claim, {facts, payloads = [], dead, posts, freesKey}: Settlement): Promise<boolean> {
    const entry = this.#claimed(claim);
    if (!entry) return false;
    this.#append(claim.id, facts, payloads);
    if (freesKey) for (const [scope, {id}] of this.#keys) if (id === claim.id) this.#keys.delete(scope);
    if (dead) Object.assign(entry, {status: 'dead', reason: dead, deadAt: this.#house.now()});
    else if (posts) this.#entries.set(claim.id, callbackOf(entry, this.#house.now()));
    else this.#entries.delete(claim.id);
    this.#left(entry);
    return true;
  }

  async retryAt(claim: Claim, {facts, payloads = [], due, isFree, deaths}: Retry): Promise<boolean> {
    const entry = this.#claimed(claim);
    if (!entry) return false;
    this.#append(claim.id, facts, payloads);
    Object.assign(entry, {status: 'waiting', due, deaths, attempts: entry.attempts - (isFree ? 1 : 0)});
    return true;
  }

  async cancel(id: string, {facts, payloads = []}: Change): Promise<WorkStatus | undefined> {
    const entry = this.#entries.get(id);
    if (entry?.isCallback) return undefined;
    if (entry?.status !== 'waiting' && entry?.status !== 'behind') return entry?.status;
    this.#append(id, facts, payloads);
    this.#entries.delete(id);
    if (entry.status === 'waiting') this.#left(entry); // one that was behind held back nothing
    return entry.status;
  }

  async redrive(id: string, {facts, payloads = [], due}: Change & {readonly due: number}): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry?.status !== 'dead') return false;
    this.#append(id, facts, payloads);
    const isBehind = entry.orderingKey !== undefined && this.#head(entry.orderingKey) !== undefined;
    const status = isBehind ? 'behind' : 'waiting';
    const redriven = (entry.redriven ?? 0) + 1;
    Object.assign(entry, {status, due, attempts: 0, deaths: 0, redriven, expires: undefined, reason: undefined, deadAt: undefined});
    return true;
  }

  async drop(id: string, payloads: readonly Payload[] = []): Promise<boolean> {
    if (this.#entries.get(id)?.status !== 'dead') return false;
    this.#house.record(`invocation.${id}`, [], payloads);
    return this.#entries.delete(id);
  }

  async find(id: string): Promise<WorkState | undefined> {
    const entry = this.#entries.get(id);
    return entry && stateOf(entry);
  }

  async list({status, after, limit, orderingKey}: WorkQuery): Promise<readonly WorkState[]> {
    return [...this.#entries.values()]
      .filter(entry => status === undefined || entry.status === status)
      .filter(entry => orderingKey === undefined || entry.orderingKey === orderingKey)
      .filter(({id}) => after === undefined || id > after)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, limit)
      .map(stateOf);
  }

  async census(): Promise<Census> {
    const of = (status: WorkStatus) => [...this.#entries.values()].filter(entry => entry.status === status);
    const waiting = of('waiting');
    const alive = this.#alive();
    return {
      waiting: waiting.length,
      due: waiting.filter(({due}) => due <= this.#house.now()).length,
      behind: of('behind').length,
      running: of('running').length,
      dead: of('dead').length,
      oldest: alive.length > 0 ? Math.min(...alive.map(({acceptedAt}) => acceptedAt)) : undefined,
      next: await this.nextDue(),
    };
  }

  async nextDue(): Promise<number | undefined> {
    const due = [...this.#entries.values()].filter(({status}) => status === 'waiting').map(({due}) => due);
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  #append(id: string, [first, ...others]: readonly Fact[], payloads: readonly Payload[]): void {
    if (first) this.#house.append(`invocation.${id}`, [first, ...others], {payloads});
  }

  #begin(entry: Entry, limits: WorkLimits, now: number): Claimed {
    const epoch = entry.epoch + 1;
    const {facts, task, attempts, deaths} = beginAttempt({...entry, isLost: false, isEnding: false, epoch}, limits, now);
    for (const fact of facts) this.#house.record(`invocation.${entry.id}`, [fact]);
    Object.assign(entry, {status: 'running', epoch, attempts, deaths});
    return {...stateOf(entry), epoch, task};
  }

  #claimed({id, epoch}: Claim): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry?.status === 'running' && entry.epoch === epoch ? entry : undefined;
  }

  /** An item ended, or is put aside: the next one of its key may start. */
  #left({orderingKey}: Entry): void {
    const next = orderingKey === undefined ? undefined : this.#head(orderingKey);
    if (next?.status === 'behind') next.status = 'waiting';
  }

  #head(orderingKey: string): Entry | undefined {
    return this.#alive().find(entry => entry.orderingKey === orderingKey);
  }

  #alive(): Entry[] {
    return [...this.#entries.values()].filter(({status}) => status !== 'dead');
  }

  #remember(key: IdempotencyKey, id: string, now: number): void {
    // They are kept equally long, so the oldest ones are first.
    for (const [scope, {until}] of this.#keys) {
      if (until > now) break;
      this.#keys.delete(scope);
    }
    this.#keys.set(key.scope, {...key, id});
  }
}

/** It goes on as another item would: its reply is to be posted. */
function callbackOf({orderingKey: _, ...entry}: Entry, now: number): Entry {
  return {...entry, status: 'waiting', due: now, attempts: 0, deaths: 0, isCallback: true};
}

const unlimited: WorkLimits = {attempts: Number.POSITIVE_INFINITY, deaths: Number.POSITIVE_INFINITY};

function stateOf({epoch: _, ...state}: Entry): WorkState {
  return {...state};
}
