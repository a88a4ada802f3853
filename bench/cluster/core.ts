import {randomUUID, randomUUIDv7} from 'node:crypto';
import {systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import type {Journal} from '../../src/journal.ts';
import {openJournal} from '../../src/journals/open.ts';
import {keepsWork} from '../../src/work.ts';

/*
A process that writes into a journal as a core does: `bench/cluster.ts` starts it, and sends it what to write.
*/

/** What is written: facts one by one, each the first of its stream; items of work; or facts that nobody waits for. */
export type Kind = 'appends' | 'work' | 'facts';

export interface Task {
  readonly kind: Kind;
  /** How many write at a time. */
  readonly writers: number;
  readonly ms: number;
}

export interface Done {
  readonly count: number;
  /** How long each took, in milliseconds; of facts that nobody waits for there is none. */
  readonly took: readonly number[];
}

const [location = '', synced] = process.argv.slice(2);
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: 120, attempt: 1, traceparent: '0'.repeat(160)}};
/** Facts that are recorded before it is waited until they are kept. */
const recordedAtOnce = 250;
let shed = 0;

const silent = {debug() {}, info() {}, warn() {}, error: console.error};
const meter = {
  appended() {},
  payloadsShed() {},
  shed(facts: number) {
    shed += facts;
  },
};
const retention = {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 29};
const {journal} = await openJournal(
  {location, fallback: undefined, mustLast: true, retention, access: {synced}},
  {clock: systemClock, log: silent, meter, core: randomUUID()},
);

process.on('message', (task: Task | 'end') => void (task === 'end' ? end() : run(task).then(done => process.send?.(done))));
process.on('disconnect', () => process.exit(1));
process.send?.('ready');

async function end(): Promise<void> {
  await journal[Symbol.asyncDispose]();
  process.exit(0);
}

async function run({kind, writers, ms}: Task): Promise<Done> {
  const took: number[] = [];
  shed = 0;
  let count = 0;
  const until = systemClock.monotonic() + ms;
  await Promise.all(
    Array.from({length: writers}, async () => {
      for (let started = systemClock.monotonic(); started < until; started = systemClock.monotonic()) {
        const written = await write(kind, journal);
        count += written;
        if (kind !== 'facts') took.push(systemClock.monotonic() - started);
      }
    }),
  );
  return {count: count - shed, took};
}

async function write(kind: Kind, to: Journal): Promise<number> {
  const id = randomUUIDv7();
  if (kind === 'appends') {
    await to.append(`invocation.${id}`, [accepted], {expect: 0});
    return 1;
  }
  if (kind === 'work') {
    if (!keepsWork(to)) throw new TypeError('Expected a journal that keeps work');
    const item = {id, acceptedAt: systemClock.now(), due: systemClock.now() + 3_600_000};
    const payloads = [{name: `invocation.${id}/request`, bytes: Buffer.alloc(200, 'x')}];
    await to.work.enqueue(item, {facts: [accepted], payloads, most: 1e9});
    return 1;
  }
  for (let each = 0; each < recordedAtOnce; each++) to.record(`invocation.${randomUUIDv7()}`, [accepted]);
  await to.last('none'); // behind them
  return recordedAtOnce;
}
