import test from 'ava';
import fc from 'fast-check';
import {Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, hour, minute, noon, openCore} from '../helpers/cron.ts';

/** What happens to a core: time passes, its clock is set, it starts anew, or the function cannot be reached for a while. */
const event = fc.oneof(
  fc.record({waitS: fc.integer({min: 1, max: 300})}),
  fc.record({leapS: fc.integer({min: -90_000, max: 90_000})}),
  fc.record({leapS: fc.integer({min: -90, max: 90})}),
  fc.constant({restart: true} as const),
  fc.record({isBusy: fc.boolean()}),
);

for (const overlap of ['allow', 'forbid', 'replace'] as const) {
  test(`with any clocks, restarts and refusals, every fired occurrence runs once and the schedule goes on: overlap ${overlap}`, async t => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, {maxLength: 12}), async events => {
        const clock = new ManualClock(noon);
        const journal = new MemoryJournal(clock);
        let isBusy = false;
        let latest = noon;
        let starts = 0;
        const start = () =>
          openCore(t, {
            clock,
            journal,
            core: `core-${++starts}`,
            schedule: {overlap},
            refuse: () => (isBusy ? new Fault('POOL_BUSY') : undefined),
          });
        const cores = [await start()];
        const stop = async () => cores.at(-1)?.close();
        for (const each of events) {
          if ('waitS' in each) await clock.advance(each.waitS * 1000);
          else if ('leapS' in each) clock.setWall(Math.max(noon, clock.now() + each.leapS * 1000));
          else if ('isBusy' in each) isBusy = each.isBusy;
          else {
            await stop();
            cores.push(await start());
          }
          latest = Math.max(latest, clock.now());
        }
        isBusy = false;
        // Past everything that any clock has shown, so that nothing is passed over any more.
        clock.setWall(Math.ceil(latest / hour) * hour + hour);
        const calm = clock.now();
        await clock.advance(10 * minute);
        const runs = cores.flatMap(core => core.occurrences());
        const over = new Set((await all(journal)).filter(([, type]) => type === 'invocation.settled').map(([stream]) => stream));
        for (const fired of await factsOf(journal, 'schedule.fired')) {
          if ('invocationId' in fired && !over.has(`invocation.${fired.invocationId}`))
            throw new Error(`${JSON.stringify(fired)} is not over`);
        }
        if (new Set(runs).size !== runs.length) throw new Error(`something ran twice: ${runs}`);
        for (const minutes of [6, 7, 8, 9, 10]) {
          const expected = at((calm - noon) / minute + minutes);
          if (!runs.includes(expected)) throw new Error(`${expected} did not run`);
        }
        await stop();
      }),
      {numRuns: Number(process.env.CORE_TEST_RUNS ?? 40), examples: [[[{isBusy: true}, {waitS: 60}, {leapS: -1}, {restart: true}]]]},
    );
    t.pass();
  });
}

async function all(journal: MemoryJournal): Promise<[stream: string, type: string][]> {
  const found: [string, string][] = [];
  for await (const {stream, fact} of journal.scan('')) found.push([stream, fact.type]);
  return found;
}
