import type {Fact} from '../../facts.ts';
import {type Payload, RevisionConflict} from '../../journal.ts';
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
import {receiptOf} from './append.ts';
import type {Question, ReplyTo} from './messages.ts';
import type {Outbox} from './outbox.ts';
import type {Taken} from './waiter.ts';
import type {WorkChange} from './work-change.ts';

type Claim = Pick<Claimed, 'id' | 'epoch'>;

export interface WorkHouse {
  readonly outbox: Pick<Outbox, 'send'>;
  readonly now: () => number;
  ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>>;
}

/** Work in the journal's own file. There is one owner at a time, so a claim lasts as long as its process. */
export class SqliteWork implements WorkStore {
  readonly #house: WorkHouse;

  constructor(house: WorkHouse) {
    this.#house = house;
  }

  async enqueue(item: WorkItem, {facts, payloads, key, claims, most}: EnqueueOptions): Promise<Enqueued> {
    const work = {kind: 'enqueue', item, key, claims, most} as const;
    const outcome = await this.#house.outbox.send(`invocation.${item.id}`, facts, {payloads, work});
    if ('conflict' in outcome) throw new RevisionConflict(`invocation.${item.id}`, 0, outcome.conflict);
    if ('known' in outcome) return {kind: 'known', ...outcome.known};
    if ('full' in outcome) return {kind: 'full'};
    return {kind: 'accepted', receipt: receiptOf(outcome), claimed: 'claimed' in outcome ? outcome.claimed?.[0] : undefined};
  }

  async claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]> {
    const outcome = await this.#house.outbox.send('work', [], {work: {kind: 'claim', most, limits}});
    return ('claimed' in outcome && outcome.claimed) || [];
  }

  async settle({id, epoch}: Claim, {facts, payloads, dead, posts, freesKey}: Settlement): Promise<boolean> {
    return isDone(await this.#send(id, {kind: 'settle', id, epoch, dead, posts, freesKey}, facts, payloads));
  }

  async retryAt({id, epoch}: Claim, {facts, payloads, due, isFree, deaths}: Retry): Promise<boolean> {
    return isDone(await this.#send(id, {kind: 'retry', id, epoch, due, isFree, deaths}, facts, payloads));
  }

  async cancel(id: string, {facts, payloads}: Change): Promise<WorkStatus | undefined> {
    const outcome = await this.#send(id, {kind: 'cancel', id}, facts, payloads);
    return 'was' in outcome ? outcome.was : undefined;
  }

  async redrive(id: string, {facts, payloads, due}: Change & {readonly due: number}): Promise<boolean> {
    return isDone(await this.#send(id, {kind: 'redrive', id, due}, facts, payloads));
  }

  async drop(id: string, payloads?: readonly Payload[]): Promise<boolean> {
    return isDone(await this.#house.outbox.send('work', [], {payloads, work: {kind: 'drop', id}}));
  }

  async restore(state: WorkState): Promise<boolean> {
    return isDone(await this.#house.outbox.send('work', [], {work: {kind: 'restore', state}}));
  }

  async restoreKey(key: UsedKey): Promise<boolean> {
    return isDone(await this.#house.outbox.send('work', [], {work: {kind: 'restore-key', key}}));
  }

  find(id: string): Promise<WorkState | undefined> {
    return this.#house.ask({item: id});
  }

  list(query: WorkQuery): Promise<readonly WorkState[]> {
    return this.#house.ask({items: query});
  }

  census(): Promise<Census> {
    return this.#house.ask({census: this.#house.now()});
  }

  nextDue(): Promise<number | undefined> {
    return this.#house.ask({due: 'next'});
  }

  #send(id: string, work: WorkChange, facts: readonly Fact[], payloads?: readonly Payload[]): Promise<Taken> {
    return this.#house.outbox.send(`invocation.${id}`, facts, {payloads, work});
  }
}

/** It was kept, and not refused. */
const isDone = (outcome: Taken) => 'position' in outcome;
