import {randomUUIDv7} from 'node:crypto';
import {join} from 'node:path';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import {openJournal} from '../../src/journals/open.ts';
import {type Claimed, keepsWork, type WorkingJournal} from '../../src/work.ts';
import type {Queue, QueueOptions, Sent} from './queue.ts';

const silent = {debug() {}, info() {}, warn: console.error, error: console.error};
const house = {clock: systemClock, log: silent, meter: {appended() {}, payloadsShed() {}, shed() {}}};
const retention = {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 40};

/**
The core's own store of work, as its triggers use it: no HTTP, no function.

@throws Error when the journal keeps no work
*/
export async function openStore({folder}: QueueOptions): Promise<Queue<Claimed>> {
  let count = 0;
  let journal = await openWorking(join(folder, `${count}.db`));
  return {
    async send({text}: Sent) {
      const [id, now] = [randomUUIDv7(), systemClock.now()];
      const dataref = `invocation.${id}/request`;
      const accepted: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: text.length, attempt: 1, dataref}};
      const options = {facts: [accepted], payloads: [{name: dataref, bytes: Buffer.from(text)}], most: 1e9} as const;
      const enqueued = await journal.work.enqueue({id, acceptedAt: now, due: now}, options);
      if (enqueued.kind !== 'accepted') throw new Error(`The item was not accepted: ${enqueued.kind}`);
      if (enqueued.receipt.durability !== 'fsync') throw new Error(`It is not durable: ${enqueued.receipt.durability}`);
    },

    async take() {
      const [claimed] = await journal.work.claim(1, {attempts: 8, deaths: 3});
      return claimed;
    },

    async finish({id, epoch}) {
      const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
      if (!(await journal.work.settle({id, epoch}, {facts: [settled]}))) throw new Error('The claim is outdated');
    },

    async empty() {
      await journal[Symbol.asyncDispose]();
      journal = await openWorking(join(folder, `${++count}.db`));
    },

    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}

async function openWorking(file: string): Promise<WorkingJournal> {
  const location = `sqlite:${file}`;
  const {journal} = await openJournal({location, fallback: undefined, mustLast: true, retention}, house);
  if (!keepsWork(journal)) throw new Error('its journal keeps no work');
  return journal;
}
