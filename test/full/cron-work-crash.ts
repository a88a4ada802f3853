import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

/*
A core that hands an occurrence on to work is killed between its claim and the enqueue, and right after the enqueue.
CORE_TEST_CYCLES says how often each, once unless set.
*/

const cycles = Number(process.env.CORE_TEST_CYCLES ?? 1);
const at = '2026-01-01T00:00:00Z';
const preload = projectFile('test/fixtures/kill-in-hand-on.ts');

async function told(file: string) {
  using archive = new SqliteArchive(file, new ManualClock());
  const facts = await Array.fromAsync(archive.scan(''));
  const of = (type: string) => facts.filter(({fact}) => fact.type === type);
  return {fired: of('schedule.fired'), accepted: of('invocation.accepted'), settled: of('invocation.settled')};
}

for (const point of ['claimed', 'given'] as const) {
  test(`a core that is killed when an occurrence is ${point} loses none and hands none on twice`, async t => {
    t.timeout(cycles * 60_000 + 60_000);
    for (let cycle = 0; cycle < cycles; cycle++) {
      const folder = await mkdtemp(join(tmpdir(), 'cron-work-'));
      t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
      const [runs, journal] = [join(folder, 'runs'), join(folder, 'journal.db')];
      const env = {
        SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
        CORE_WORK: 'on',
        CORE_JOURNAL: `sqlite:${journal}`,
        CORE_SCHEDULES: JSON.stringify([{name: 'yearly', cron: '0 0 1 1 *', delivery: 'work', input: {file: runs}}]),
      };
      const first = await startCore({...env, KILL_AT: point, NODE_OPTIONS: `--import=${preload}`}, t, {isSource: true}); // whose classes it changes
      await t.throwsAsync(ask(`${first.adminUrl}/api/schedules/yearly/fire?at=${at}`, {method: 'POST'}));
      t.is(await first.exited, null, 'it was killed');
      const killed = await told(journal);
      t.is(killed.fired.length, 1);
      t.is(killed.accepted.length, point === 'given' ? 1 : 0);

      for (let start = 0; start < 2; start++) {
        const core = await startCore(env, t);
        while ((await told(journal)).settled.length === 0) await pause(20);
        t.is((await ask(`${core.adminUrl}/api/schedules/yearly/fire?at=${at}`, {method: 'POST'})).status, 409);
        t.is(await core.stop(), 0);
      }
      const {fired, accepted, settled} = await told(journal);
      t.deepEqual([fired.length, accepted.length, settled.length], [1, 1, 1]);
      t.is(await readFile(runs, 'utf8'), `${at}\n`);
    }
  });
}
