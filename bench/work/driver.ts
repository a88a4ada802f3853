import {once} from 'node:events';
import {systemClock} from '../../src/clock.ts';
import {openBullmq} from './bullmq.ts';
import {openFront} from './front.ts';
import {openPgBoss} from './pg-boss.ts';
import {type Asked, batched, microseconds, type Queue, type QueueOptions, type Rate, rateOf, type Sent, textOf} from './queue.ts';
import {openStore} from './store.ts';

/*
A process that uses one queue as a program would, asked by the bench: node bench/work/driver.ts <queue> <options as JSON>
*/

const openers: Readonly<Record<string, (options: QueueOptions) => Promise<Queue>>> = {
  store: openStore,
  'pg-boss': openPgBoss,
  bullmq: openBullmq,
};

const answers: {readonly [Ask in keyof Asked]: (options: Asked[Ask]['options']) => Promise<Asked[Ask]['answer']>} = {
  empty,
  accept,
  front,
  claim,
  start,
};

/** How many items the queue holds. */
let held = 0;
/** What callers left behind who went away at the end of a measurement. */
const sending = new Set<Promise<void>>();

const [name = '', options = '{}'] = process.argv.slice(2);
const closed = once(process, 'disconnect');
let queue: Queue | undefined;
try {
  queue = await openers[name]?.(JSON.parse(options));
  process.send?.({answer: null});
  process.on('message', ({ask, options}: {ask: keyof Asked; options: never}) => {
    answers[ask](options).then(
      answer => process.send?.({answer}),
      error => process.send?.({error: messageOf(error)}),
    );
  });
} catch (error) {
  process.send?.({error: messageOf(error)});
}
await closed;
await queue?.[Symbol.asyncDispose]();
process.exit();

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function opened(): Queue {
  if (!queue) throw new Error(`There is no queue named ${name}`);
  return queue;
}

async function empty(): Promise<null> {
  await Promise.allSettled(sending);
  await opened().empty();
  held = 0;
  return null;
}

async function accept({producers, bytes, seconds, isBatched}: Asked['accept']['options']): Promise<Rate> {
  const send = senderOf(isBatched);
  const [text, tookUs, begun] = [textOf(bytes), [] as number[], microseconds()];
  let errors = 0;
  const until = begun + seconds * 1e6;
  await inParallel(producers, async () => {
    for (let at = microseconds(); at < until; at = microseconds()) {
      try {
        await send({at, text});
        tookUs.push(microseconds() - at);
      } catch {
        errors++;
        await systemClock.sleep(1);
      }
    }
  });
  held += tookUs.length;
  return rateOf(tookUs, microseconds() - begun, errors);
}

async function front({isBatched}: Asked['front']['options']): Promise<number> {
  held = Number.POSITIVE_INFINITY; // as it is not known any more
  const send = senderOf(isBatched);
  return openFront(async item => {
    const sent = send(item);
    sending.add(sent);
    await sent.finally(() => sending.delete(sent));
  });
}

function senderOf(isBatched: boolean): (item: Sent) => Promise<void> {
  const target = opened();
  if (!isBatched || !target.sendAll) return item => target.send(item);
  return batched(items => target.sendAll?.(items) ?? Promise.resolve());
}

/** The time is that of the claim alone; the rate is of items claimed and ended. */
async function claim({waiting, takers, bytes, seconds}: Asked['claim']['options']): Promise<Rate> {
  const target = opened();
  await fill(target, waiting, bytes);
  const [tookUs, begun] = [[] as number[], microseconds()];
  const until = begun + seconds * 1e6;
  await inParallel(takers, async () => {
    for (let at = microseconds(); at < until; at = microseconds()) {
      const taken = await target.take();
      if (taken === undefined) return;
      tookUs.push(microseconds() - at);
      await target.finish(taken);
    }
  });
  held -= tookUs.length;
  return rateOf(tookUs, microseconds() - begun);
}

async function fill(target: Queue, waiting: number, bytes: number): Promise<void> {
  if (held > waiting) await empty();
  const item = {at: 0, text: textOf(bytes)};
  if (target.sendAll) {
    for (; held < waiting; held += Math.min(1000, waiting - held)) {
      await target.sendAll(Array.from({length: Math.min(1000, waiting - held)}, () => item));
    }
    return;
  }
  await inParallel(500, async () => {
    while (held < waiting) {
      held++;
      await target.send(item);
    }
  });
}

/** From the sending to the start of its work; what has not started 5 s after the last one was sent counts as an error. */
async function start({bytes, seconds}: Asked['start']['options']): Promise<Rate> {
  const target = opened();
  if (!target.work) throw new Error(`${name} has no workers of its own`);
  await empty();
  const tookUs: number[] = [];
  await using _ = await target.work(item => void tookUs.push(microseconds() - item.at));
  const [text, begun, times] = [textOf(bytes), microseconds(), seconds * 50];
  for (let time = 0; time < times; time++) {
    await target.send({at: microseconds(), text});
    await systemClock.sleep(20);
  }
  const passedUs = microseconds() - begun;
  for (let wait = 0; wait < 250 && tookUs.length < times; wait++) await systemClock.sleep(20);
  return rateOf(tookUs, passedUs, times - tookUs.length);
}

async function inParallel(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({length: count}, work));
}
