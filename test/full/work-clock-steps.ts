import {existsSync, writeFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {drained, judge} from '../helpers/work-judge.ts';
import {WorkSenders} from '../helpers/work-senders.ts';

/*
The wall clock of a real core goes back and forth by an hour while work waits, is delayed, is tried again, runs and expires. The
library that moves the clock is libfaketime (Debian: package libfaketime).
*/

const library = ['x86_64', 'aarch64'].map(machine => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`).find(existsSync);
const moved = library === undefined ? test.skip : test.serial;
if (library === undefined) console.log('skipped: moving the clock of a process needs libfaketime');

moved('while the clock goes back and forth by an hour, everything that got a 202 has exactly one end', async t => {
  t.timeout(180_000);
  const folder = await mkdtemp(join(tmpdir(), 'work-clock-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const [runs, journal, clock] = [join(folder, 'runs'), join(folder, 'journal.db'), join(folder, 'clock')];
  const set = (seconds: string) => writeFileSync(clock, seconds);
  set('+0');
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_WORK: 'on',
    CORE_WORK_ATTEMPTS: '3',
    CORE_WORK_CONCURRENCY: '2',
    CORE_JOURNAL: `sqlite:${journal}`,
    LD_PRELOAD: library ?? '',
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const senders = new WorkSenders(runs, 6);
  const steps = ['+3600', '+0', '-3600', '+0', '-3600'];
  for (const start of [0, 1]) {
    const core = await startCore(env, t);
    const sent = senders.send(core, 4);
    for (const step of start === 0 ? steps : steps.toReversed()) {
      await pause(400);
      set(step);
    }
    await pause(400);
    core.kill('SIGKILL');
    await Promise.all([core.exited, sent]);
    set('-3600'); // and an hour back between two starts
  }
  const last = await startCore(env, t);
  await senders.settle(last);
  const ids = await Promise.all(Array.from({length: 20}, (_, count) => sendOne(last, {name: `back-${count}`, log: runs, ms: 50})));
  set('-7200'); // what waits for a place goes on
  for (const id of ids) while ((await statusOf(last, id)) !== 'responded') await pause(20);
  set('+3600'); // what is delayed is due
  await sendOne(last, {name: 'wakes', log: runs});
  await drained(last);
  t.is(await last.stop(), 0);
  const {line, work} = await judge(t, {senders, runs, journal});
  t.log(line);
  t.true(work.some(({facts}) => facts.some(({fact}) => fact.type === 'retry.scheduled')));
});

async function sendOne(core: RunningCore, said: object): Promise<string> {
  const answer = await ask(core.url, {method: 'POST', headers: {prefer: 'respond-async'}, body: JSON.stringify(said)});
  return answer.field('core-invocation-id');
}

const statusOf = async (core: RunningCore, id: string) => (await ask(new URL(`/_core/invocations/${id}`, core.url).href)).json().status;
