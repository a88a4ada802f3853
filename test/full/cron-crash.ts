import {randomInt} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile, type RunningCore, runCli, startCore} from '../helpers/core.ts';
import {writtenLines} from '../helpers/lines.ts';
import {ask} from '../helpers/request.ts';

/*
A core with a schedule of every second is killed again and again, at random moments. CORE_TEST_CYCLES says how often, 5
times unless set.
*/

const cycles = Number(process.env.CORE_TEST_CYCLES ?? 5);
/** Longer than the time between two occurrences: whenever the core is killed, some are running. */
const waitMs = 1500;

interface Told {
  /** Invocations by the occurrence that was claimed for them. */
  readonly fired: ReadonlyMap<string, string>;
  /** Occurrences that were claimed once more, how often in all. */
  readonly redelivered: number;
  /** Occurrences whose invocations are over. */
  readonly settled: ReadonlySet<string>;
  /** Occurrences that are not tried again: many cycles can kill one eight times. */
  readonly givenUp: ReadonlySet<string>;
}

/** What a journal on disk tells of a schedule. */
async function read(file: string): Promise<Told> {
  using archive = new SqliteArchive(file, new ManualClock());
  const fired = new Map<string, string>();
  const givenUp = new Set<string>();
  let redelivered = 0;
  for await (const {fact} of archive.scan('schedule.')) {
    if (fact.type === 'schedule.missed' && fact.data.reason === 'given-up') givenUp.add(fact.data.occurrence);
    if (fact.type !== 'schedule.fired') continue;
    fired.set(fact.data.occurrence, fact.data.invocationId);
    if (fact.data.attempt > 1) redelivered++;
  }
  const over = new Set<string>();
  for await (const {stream, fact} of archive.scan('invocation.')) if (fact.type === 'invocation.settled') over.add(stream);
  const settled = new Set([...fired].filter(([, id]) => over.has(`invocation.${id}`)).map(([occurrence]) => occurrence));
  return {fired, redelivered, settled, givenUp};
}

const responded = async (core: RunningCore): Promise<number> =>
  (await ask(`${core.adminUrl}/api/invocations?status=responded&since=1h&limit=1000`)).json().invocations.length;

test('after kills at random moments, every fired occurrence runs, and no settled one runs again', async t => {
  t.timeout(cycles * 60_000 + 120_000);
  const folder = await mkdtemp(join(tmpdir(), 'cron-kills-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const [runs, journal] = [join(folder, 'runs'), join(folder, 'journal.db')];
  const schedule = {name: 'often', cron: '* * * * * *', input: {file: runs, waitMs}};
  const env = {
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
    CORE_SCHEDULES: JSON.stringify([schedule]),
    CORE_JOURNAL: `sqlite:${journal}`,
  };
  const ran = () => (existsSync(runs) ? writtenLines(runs) : []);
  const timesRun = (occurrence: string) => ran().filter(each => each === occurrence).length;

  /** How often an occurrence had run by the kill before which it was settled. */
  const before = new Map<string, number>();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const core = await startCore(env, t);
    const [runsBefore, respondedBefore] = [ran().length, await responded(core)];
    while (ran().length === runsBefore) await pause(5);
    // Every other core lives to see the end of something.
    if (cycle % 2 === 1) while ((await responded(core)) === respondedBefore) await pause(5);
    await pause(randomInt(1200));
    core.kill('SIGKILL');
    await core.exited;
    for (const occurrence of (await read(journal)).settled) if (!before.has(occurrence)) before.set(occurrence, timesRun(occurrence));
  }
  const killed = await read(journal);

  const last = await startCore(env, t);
  for (let open = [...killed.fired.keys()]; open.length > 0; await pause(20)) {
    const {settled, givenUp} = await read(journal);
    open = open.filter(occurrence => !settled.has(occurrence) && !givenUp.has(occurrence));
  }
  t.is(await last.stop(), 0);

  const {redelivered, givenUp} = await read(journal);
  const lost = [...killed.fired.keys()].filter(occurrence => timesRun(occurrence) === 0);
  const double = [...before].filter(([occurrence, times]) => timesRun(occurrence) !== times);
  t.log(
    `${cycles} cycles, ${killed.fired.size} fired, ${before.size} settled before a kill, ${redelivered} delivered again, ` +
      `${givenUp.size} given up, lost ${lost.length}, double ${double.length}`,
  );
  t.true(before.size > 0, 'some were settled before a kill');
  t.true(redelivered > 0, 'some were running at a kill');
  t.deepEqual(lost, []);
  t.deepEqual(double, []);
  const verified = await runCli(['journal', 'verify', journal]);
  t.is(verified.code, 0, verified.stdout + verified.stderr);
});
