import test from 'ava';
import type {Census} from '../../src/work.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {processOf} from '../helpers/metrics.ts';

const some: Census = {waiting: 3, due: 1, behind: 2, running: 4, dead: 5, oldest: 0, next: undefined};
const idle = {core_work_waiters: 0, core_work_waiting: 0, core_work_oldest_seconds: 0, core_work_running: 0, core_dead_letters: 0};

const read = (body: string) =>
  Object.fromEntries(
    [...body.matchAll(/^(core_work_(?:waiters|waiting|oldest_seconds|running)|core_dead_letters) (\S+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );

test('without work every metric of it is there, at 0', async t => {
  const {body} = await processOf().scrape('');
  t.deepEqual(read(body), idle);
  for (const outcome of ['responded', 'retried', 'deferred', 'dead', 'cancelled', 'expired'])
    t.true(body.includes(`core_work_attempts_total{outcome="${outcome}"} 0`), outcome);
  for (const outcome of ['delivered', 'retry', 'failed', 'stopped'])
    t.true(body.includes(`core_callbacks_total{outcome="${outcome}"} 0`), outcome);
});

test('a journal that cannot be read, or does not answer, does not fail the scrape: it has the last count', async t => {
  const clock = new ManualClock(60_000);
  const answers: (() => Promise<Census>)[] = [
    async () => some,
    async () => {
      throw new Error('disk I/O error');
    },
    () => new Promise(() => {}),
  ];
  const {scrape} = processOf({clock, workWaiters: () => 7, census: () => answers.shift()?.() ?? Promise.resolve({...some, dead: 9})});
  const known = {core_work_waiters: 7, core_work_waiting: 5, core_work_oldest_seconds: 60, core_work_running: 4, core_dead_letters: 5};
  t.deepEqual(read((await scrape('')).body), known);
  await clock.advance(1000);
  t.deepEqual(read((await scrape('')).body), {...known, core_work_oldest_seconds: 61});
  await clock.advance(1000);
  const late = scrape('');
  await settle();
  await clock.advance(1000);
  t.deepEqual(read((await late).body), {...known, core_work_oldest_seconds: 63});
  t.is(answers.length, 0);
  await clock.advance(1000);
  t.is(read((await scrape('')).body).core_dead_letters, 9);
});

test('many scrapes in a second count once', async t => {
  const clock = new ManualClock(60_000);
  let counts = 0;
  const {scrape, meter} = processOf({
    clock,
    census: async () => {
      counts++;
      return some;
    },
  });
  meter.workAttempted('retried');
  for (let each = 0; each < 5; each++) await scrape('');
  t.is(counts, 1);
  t.regex((await scrape('')).body, /^core_work_attempts_total\{outcome="retried"\} 1$/m);
});
