import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {callbackReceiver} from '../helpers/callback-receiver.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {drained, judge, replays} from '../helpers/work-judge.ts';
import {WorkSenders} from '../helpers/work-senders.ts';

/*
A core that takes work is killed at each step on the way of an item, while many send. CORE_TEST_CYCLES says how often at each
step, twice unless set; WORK_STEPS names some of the steps, by a pattern.
*/

const cycles = Number(process.env.CORE_TEST_CYCLES ?? 2);
const chosen = new RegExp(process.env.WORK_STEPS ?? '');

/** In the order in which an item comes to them. */
const steps = [
  'before enqueue',
  'before the commit of enqueue',
  'after the commit of enqueue',
  'after enqueue',
  'before the 202',
  'before claim',
  'before the commit of claim',
  'after the commit of claim',
  'after claim',
  'in a call',
  'before retryAt',
  'before the commit of retry',
  'after the commit of retry',
  'after retryAt',
  'before the commit of cancel',
  'after the commit of cancel',
  'before settle',
  'before the commit of settle',
  'after the commit of settle',
  'after settle',
  'before a callback',
  'after a callback',
];

const key = Buffer.alloc(32, 7);

async function killedAt(t: ExecutionContext, step: string): Promise<void> {
  t.timeout(cycles * 60_000 + 300_000);
  const folder = await mkdtemp(join(tmpdir(), 'work-steps-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const [runs, journal, pidFile] = [join(folder, 'runs'), join(folder, 'journal.db'), join(folder, 'pid')];
  const {received, unsigned, url} = await callbackReceiver(t, key);
  const senders = new WorkSenders(runs, 6 + cycles, {
    callback: url,
    also: {kills: pidFile},
    cancelsOneIn: step.endsWith('cancel') ? 2 : 40,
  });
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_WORK: 'on',
    CORE_WORK_ATTEMPTS: '3',
    CORE_CALLBACK_HOSTS: 'http://127.0.0.1',
    CORE_CALLBACK_SECRET: `whsec_${key.toString('base64')}`,
    CORE_JOURNAL: `sqlite:${journal}`,
    NODE_OPTIONS: `--import ${projectFile('test/helpers/kill-at-step.ts')}`,
  };
  for (let cycle = 0; cycle < cycles; cycle++) {
    const ends = {...env, WORK_STEP: step, WORK_STEP_AT: String(1 + (cycle % 5)), WORK_STEP_FILE: pidFile};
    const core = await started(t, ends);
    if (!core) continue; // what was left brought it there before it listened
    const sent = senders.send(core, 6);
    const gone = await Promise.race([core.exited.then(() => true), pause(60_000, false, {ref: false})]);
    if (!gone) core.kill('SIGKILL');
    await Promise.all([core.exited, sent]);
    t.true(gone, `cycle ${cycle}: it did not come to the step`);
  }

  const last = await startCore(env, t, {isSource: true});
  await senders.settle(last);
  await drained(last);
  await replays(t, last, senders);
  await drained(last);
  t.is(await last.stop(), 0);
  const {line} = await judge(t, {senders, runs, journal, received});
  t.log(`${cycles} kills ${step}: ${line}`);
  t.deepEqual(unsigned, []);
}

/** @returns undefined when it was killed first */
async function started(t: ExecutionContext, env: Record<string, string>): Promise<RunningCore | undefined> {
  try {
    return await startCore(env, t, {isSource: true}); // whose classes the preload changes
  } catch (error) {
    if (error instanceof Error && error.message.includes('(exit null)')) return undefined;
    throw error;
  }
}

for (const step of steps.filter(each => chosen.test(each))) {
  test.serial(`killed ${step}: what got a 202 has exactly one end`, killedAt, step);
}
