import {randomUUIDv7} from 'node:crypto';
import type {ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {Claimed, EnqueueOptions, WorkItem, WorkingJournal} from '../../src/work.ts';
import {ManualClock} from './clock.ts';

export const limits = {attempts: 3, deaths: 2};
export const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
export const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
export const again: Fact = {type: 'retry.scheduled', data: {attempt: 2, afterMs: 0}};
export const redriven: Fact = {type: 'invocation.redriven', data: {deadForMs: 0}};
export const reason = {why: 'exhausted', class: 'error', status: 500} as const;

/** What opens the journal of one test. */
export type Open = (t: ExecutionContext, clock: ManualClock) => Promise<WorkingJournal>;

/** A journal with work, and the shortest way to send, claim and read. */
export async function opened(t: ExecutionContext, open: Open) {
  const clock = new ManualClock();
  const journal = await open(t, clock);
  t.teardown(() => journal[Symbol.asyncDispose]());
  const {work} = journal;
  const item = (some: Partial<WorkItem> = {}): WorkItem => ({id: randomUUIDv7(), acceptedAt: clock.now(), due: clock.now(), ...some});
  const send = (some: Partial<WorkItem> = {}, options: Partial<EnqueueOptions> = {}) => {
    const sent = item(some);
    return work.enqueue(sent, {facts: [accepted], payloads: [], most: 100, ...options}).then(enqueued => ({...enqueued, sent}));
  };
  const claim = async (most = 10) => (await work.claim(most, limits)).map(({id}) => id);
  const take = async () => (await work.claim(1, limits))[0] as Claimed; // the test has sent one
  const types = async (id: string) => {
    const facts = await Array.fromAsync(journal.read(`invocation.${id}`));
    return facts.map(({fact}) => fact.type);
  };
  return {clock, journal, work, item, send, claim, take, types};
}
