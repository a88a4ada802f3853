import test from 'ava';
import fc from 'fast-check';
import {Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {WorkHall} from '../../src/work/hall.ts';
import type {Enqueued, WorkStore} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';

/** How an enqueue fares: well, it fails, it fails and was kept all the same, or it has not ended when the core does. */
type Way = 'kept' | 'failed' | 'kept and failed' | 'stuck' | 'kept and stuck';

const event = fc.oneof(
  fc.record({waitS: fc.integer({min: 1, max: 300})}),
  fc.record({leapS: fc.integer({min: -90_000, max: 90_000})}),
  fc.record({leapS: fc.integer({min: -90, max: 90})}),
  fc.constant({restart: true} as const),
  fc.record({way: fc.constantFrom<Way>('kept', 'failed', 'kept and failed', 'stuck', 'kept and stuck')}),
);

/** A store whose enqueues fare as they are told. */
function troubled(work: WorkStore) {
  const stuck = new Set<(error: Fault) => void>();
  const trouble = {way: 'kept' as Way, enqueue: work.enqueue.bind(work)};
  work.enqueue = async (...all): Promise<Enqueued> => {
    const enqueued = trouble.way.startsWith('kept') ? await trouble.enqueue(...all) : undefined;
    if (trouble.way.endsWith('stuck')) await new Promise((_, reject) => stuck.add(reject));
    if (enqueued && trouble.way === 'kept') return enqueued;
    throw new Fault('JOURNAL_FAILED');
  };
  const end = () => {
    for (const reject of stuck) reject(new Fault('JOURNAL_FAILED'));
    stuck.clear();
  };
  return Object.assign(trouble, {end});
}

for (const overlap of ['allow', 'replace'] as const) {
  test(`with any clocks, restarts and failing enqueues, every fired occurrence is handed on once and the schedule goes on: overlap ${overlap}`, async t => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, {maxLength: 12}), async events => {
        const clock = new ManualClock(noon);
        const journal = new MemoryJournal(clock);
        const trouble = troubled(journal.work);
        const limits = {attempts: 8, deaths: 3};
        const hall = new WorkHall(journal.work, {limits, most: 10_000, durability: 'fsync', isKept: () => true}, clock);
        let starts = 0;
        const start = () => openCore(t, {clock, journal, hall, core: `core-${++starts}`, schedule: {overlap, delivery: 'work'}});
        let core = await start();
        const stop = async () => {
          const closed = core.close();
          trouble.end();
          await closed;
        };
        let latest = noon;
        for (const each of events) {
          if ('waitS' in each) await clock.advance(each.waitS * 1000);
          else if ('leapS' in each) clock.setWall(Math.max(noon, clock.now() + each.leapS * 1000));
          else if ('way' in each) trouble.way = each.way;
          else {
            await stop();
            core = await start();
          }
          latest = Math.max(latest, clock.now());
        }
        trouble.way = 'kept';
        await stop(); // what was stuck stays so until the core ends
        core = await start();
        clock.setWall(Math.ceil(latest / hour) * hour + hour);
        const calm = clock.now();
        await clock.advance(10 * minute);

        const accepted = new Map<string, number>();
        for await (const {stream, fact} of journal.scan('invocation.'))
          if (fact.type === 'invocation.accepted') accepted.set(stream, (accepted.get(stream) ?? 0) + 1);
        const fired = new Map<string, string>();
        for (const data of await factsOf(journal, 'schedule.fired')) {
          if (!('occurrence' in data && 'invocationId' in data)) continue;
          const {occurrence, invocationId} = data;
          if ((fired.get(occurrence) ?? invocationId) !== invocationId) throw new Error(`${occurrence} was fired twice`);
          fired.set(occurrence, invocationId);
          const times = accepted.get(`invocation.${invocationId}`) ?? 0;
          if (times !== 1) throw new Error(`${occurrence} was handed on ${times} times`);
        }
        for (const minutes of [6, 7, 8, 9, 10]) {
          const expected = at((calm - noon) / minute + minutes);
          if (!fired.has(expected)) throw new Error(`${expected} was not fired`);
        }
        await stop();
      }),
      {numRuns: Number(process.env.CORE_TEST_RUNS ?? 40)},
    );
    t.pass();
  });
}
