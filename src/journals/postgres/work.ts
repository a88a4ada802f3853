import type {Clock} from '../../clock.ts';
import type {Fact} from '../../facts.ts';
import {type Payload, RevisionConflict, type StreamAppend} from '../../journal.ts';
import {beginAttempt} from '../../work/begin-attempt.ts';
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
} from '../../work.ts';
import {lost, type Rest, statuses} from '../work-row.ts';
import {failed, receiptOf} from './answers.ts';
import {channels, type Heard} from './channels.ts';
import type {Outcome} from './command.ts';
import type {Ask} from './reader.ts';
import {Unheard} from './unheard.ts';
import {type Row, stateOf, WorkReader} from './work-reader.ts';

export interface WorkHouse {
  readonly schema: string;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly standing: () => {readonly living: number; readonly rank: number};
  send(appends: readonly (Omit<StreamAppend, 'facts'> & {readonly facts: readonly Fact[]})[], work: object): Promise<Outcome>;
  readonly ask: Ask;
}

type Claim = Pick<Claimed, 'id' | 'epoch'>;

const unlimited: WorkLimits = {attempts: Number.POSITIVE_INFINITY, deaths: Number.POSITIVE_INFINITY};

/** Work in the same database. What a core claims is its own as long as it gives signs of life. */
export class PostgresWork implements WorkStore {
  readonly #house: WorkHouse;
  readonly #reader: WorkReader;
  /** What runs here. */
  readonly #held = new Set<string>();
  readonly #tell = {lost: (_ids: readonly string[]) => {}, work: (_id: string) => {}, over: (_id: string) => {}, stop: (_id: string) => {}};
  readonly #unheard: Unheard;

  constructor(house: WorkHouse) {
    this.#house = house;
    this.#reader = new WorkReader(house.schema, house.ask);
    this.#unheard = new Unheard(house.clock, (id, epoch) => this.#send(id, {kind: 'unheard', id, epoch}, []));
  }

  async enqueue(item: WorkItem, {facts, payloads, key, claims = false, most}: EnqueueOptions): Promise<Enqueued> {
    const {id, due, acceptedAt: accepted, orderingKey: ordering, ...rest} = item;
    const state: WorkState = {...item, status: 'waiting', attempts: 0, deaths: 0};
    const begun = claims
      ? beginAttempt({...state, isLost: false, isEnding: false, epoch: 1}, unlimited, this.#house.clock.now())
      : undefined;
    const work = {kind: 'enqueue', id, due, accepted, ordering, item: rest satisfies Rest, claims, most, ...key};
    const all = [...facts, ...(begun?.facts ?? [])];
    const sent = this.#house.send([{stream: `invocation.${id}`, facts: all, payloads, expect: 0}], work);
    const outcome = await (begun ? this.#unheard.hear(id, 1, sent) : sent);
    if ('conflict' in outcome) throw new RevisionConflict(`invocation.${id}`, 0, outcome.conflict);
    if ('refused' in outcome) {
      const {known, full} = outcome.refused;
      if (known) return {kind: 'known', ...known};
      if (full) return {kind: 'full'};
      throw failed('this core was taken for dead');
    }
    if (begun) this.#held.add(id);
    const claimed = begun && {...state, status: 'running' as const, epoch: 1, task: begun.task, attempts: begun.attempts};
    return {kind: 'accepted', receipt: receiptOf(outcome), claimed};
  }

  async claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]> {
    const now = this.#house.clock.now();
    const {living, rank} = this.#house.standing();
    const due = await this.#reader.due(now, most * living);
    // Each core begins with others of the longest due, as only one can have each.
    const own = due.filter((_, index) => index % living === rank);
    const others = due.filter((_, index) => index % living !== rank);
    const claimed = await Promise.all([...own, ...others].slice(0, most).map(row => this.#begin(row, limits, now)));
    return claimed.filter(each => each !== undefined);
  }

  async #begin(row: Row, limits: WorkLimits, now: number): Promise<Claimed | undefined> {
    const state = stateOf(row);
    const epoch = row.epoch + 1;
    const was = {isLost: row.lost === lost.attempt, isEnding: row.lost === lost.end, isUnheard: row.lost === lost.claim};
    const begun = beginAttempt({...state, ...was, epoch}, limits, now);
    const {facts, task, attempts, deaths} = begun;
    const ends = task === 'run' || task === 'callback' ? lost.nothing : lost.end;
    const work = {kind: 'begin', id: row.id, changes: row.changes, lost: ends, attempts, deaths};
    const outcome = await this.#unheard.hear(row.id, epoch, this.#house.send([{stream: `invocation.${row.id}`, facts}], work));
    if (!('position' in outcome)) return undefined; // another core was first
    this.#held.add(row.id);
    return {...state, status: 'running', epoch, task, attempts, deaths};
  }

  settle({id, epoch}: Claim, {facts, payloads, dead, posts, freesKey}: Settlement): Promise<boolean> {
    return this.#end(id, {kind: 'settle', id, epoch, dead, posts, freesKey}, facts, payloads);
  }

  retryAt({id, epoch}: Claim, {facts, payloads, due, isFree, deaths}: Retry): Promise<boolean> {
    return this.#end(id, {kind: 'retry', id, epoch, due, isFree, deaths}, facts, payloads);
  }

  async cancel(id: string, {facts, payloads}: Change): Promise<WorkStatus | undefined> {
    const outcome = await this.#send(id, {kind: 'cancel', id}, facts, payloads);
    const said = 'position' in outcome ? outcome.said : 'refused' in outcome ? outcome.refused : undefined;
    return said?.was === undefined ? undefined : statuses[said.was];
  }

  async redrive(id: string, {facts, payloads, due}: Change & {readonly due: number}): Promise<boolean> {
    return isDone(await this.#send(id, {kind: 'redrive', id, due}, facts, payloads));
  }

  async drop(id: string, payloads?: readonly Payload[]): Promise<boolean> {
    return isDone(await this.#send(id, {kind: 'drop', id}, [], payloads));
  }

  async restore(state: WorkState): Promise<boolean> {
    const {id, status, due, attempts, deaths, orderingKey: ordering, acceptedAt: accepted, deadAt, ...item} = state;
    const was = status === 'running' ? lost.attempt : lost.nothing;
    const work = {kind: 'restore', id, due, attempts, deaths, lost: was, ordering, accepted, deadAt, isDead: status === 'dead', item};
    return isDone(await this.#send(id, work, []));
  }

  restoreKey = async (key: UsedKey): Promise<boolean> => isDone(await this.#send(key.id, {kind: 'restore-key', ...key}, []));

  find(id: string): Promise<WorkState | undefined> {
    return this.#reader.find(id);
  }

  list(query: WorkQuery): Promise<readonly WorkState[]> {
    return this.#reader.list(query);
  }

  census(): Promise<Census> {
    return this.#reader.census(this.#house.clock.now());
  }

  nextDue(): Promise<number | undefined> {
    return this.#reader.nextDue();
  }

  onLost(tell: (ids: readonly string[]) => void): void {
    this.#tell.lost = tell;
  }

  onDue(tell: () => void): void {
    this.#tell.work = tell;
  }

  onOver(tell: (id: string) => void): void {
    this.#tell.over = tell;
  }

  onStop(tell: (id: string) => void): void {
    this.#tell.stop = tell;
  }

  async stopElsewhere(id: string): Promise<void> {
    await this.#house.ask({name: 'notify', text: 'SELECT pg_notify($1, $2)'}, [channels(this.#house.schema).stop, id]);
  }

  /** Another core has said something, or this one. The runner knows which items are over that ran here. */
  heard(what: Exclude<Heard, 'facts'>, id: string): void {
    if (what !== 'over' || !this.#held.has(id)) this.#tell[what](id);
  }

  /** Gives nothing back any more: the end of the lease does. */
  close(): void {
    this.#unheard.close();
  }

  /** What this core held is not its own any more. */
  lose(): void {
    const ids = [...this.#held];
    this.#held.clear();
    if (ids.length > 0) this.#tell.lost(ids);
  }

  async #end(id: string, work: object, facts: readonly Fact[], payloads?: readonly Payload[]): Promise<boolean> {
    const outcome = await this.#send(id, work, facts, payloads);
    this.#held.delete(id);
    return isDone(outcome);
  }

  #send(id: string, work: object, facts: readonly Fact[], payloads: readonly Payload[] = []): Promise<Outcome> {
    return this.#house.send([{stream: `invocation.${id}`, facts, payloads}], work);
  }
}

/** It was kept, and not refused. */
const isDone = (outcome: Outcome) => 'position' in outcome;
