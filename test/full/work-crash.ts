import {randomInt} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {drained, judge, replays} from '../helpers/work-judge.ts';
import {WorkSenders} from '../helpers/work-senders.ts';

/*
A core that takes work is killed again and again, at random moments, while many send. CORE_TEST_CYCLES says how often, 15
times unless set.
*/

const cycles = Number(process.env.CORE_TEST_CYCLES ?? 15);
const attempts = 3;

const redrive = (core: RunningCore) => ask(`${core.adminUrl}/api/dead/redrive`, {method: 'POST', body: '{"rate": 1000}'});

test('after kills at random moments, everything that got a 202 has exactly one end', async t => {
  t.timeout(cycles * 60_000 + 300_000);
  const folder = await mkdtemp(join(tmpdir(), 'work-kills-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const [runs, journal] = [join(folder, 'runs'), join(folder, 'journal.db')];
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_WORK: 'on',
    CORE_WORK_ATTEMPTS: String(attempts),
    CORE_JOURNAL: `sqlite:${journal}`,
  };
  const senders = new WorkSenders(runs, 6 + cycles);

  for (let cycle = 0; cycle < cycles; cycle++) {
    const core = await startCore(env, t);
    const sent = senders.send(core, 6);
    if (cycle % 3 === 2) {
      await pause(randomInt(300));
      t.is((await redrive(core)).status, 202);
    }
    await pause(randomInt(1000));
    if (cycle % 4 === 1) {
      core.kill('SIGTERM'); // in the midst of a stop
      await pause(randomInt(100));
    }
    core.kill('SIGKILL');
    await Promise.all([core.exited, sent]);
  }

  const last = await startCore(env, t);
  await senders.settle(last);
  await drained(last);
  await replays(t, last, senders);
  await drained(last);
  t.is(await last.stop(), 0);

  const {work, lostAttempts, line} = await judge(t, {senders, runs, journal});
  t.log(`${cycles} cycles: ${line}`);
  t.true(lostAttempts > 0, 'some were running at a kill');
  t.true(work.some(({orderingKey}) => orderingKey !== undefined));
});
