import {randomInt} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {works} from '../helpers/installed.ts';
import {writtenLines} from '../helpers/lines.ts';
import {ask} from '../helpers/request.ts';
import {drained, judge, replays} from '../helpers/work-judge.ts';
import {WorkSenders} from '../helpers/work-senders.ts';

/*
Functions that end their own process in a call, in a core that is killed as well. CORE_TEST_CYCLES says how often it is killed,
5 times unless set.
*/

const cycles = Number(process.env.CORE_TEST_CYCLES ?? 5);
const none = {};
const behaviours = [...Array<object>(12).fill(none), {exits: 1}, {exits: 99}, {fails: 1}];

for (const [language, handler] of [
  ['Node', 'works.cjs'],
  ['Python', 'works.py'],
] as const) {
  const run = language === 'Node' || works('python3') ? test.serial : test.skip;
  const env = (folder: string) => ({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile(`test/fixtures/functions/core/${handler}`),
    CORE_WORK: 'on',
    CORE_WORK_ATTEMPTS: '4',
    CORE_WORK_CONCURRENCY: '4',
    CORE_WORKERS: '2',
    CORE_CONCURRENCY: '2',
    CORE_RESTARTS: '1000',
    CORE_JOURNAL: `sqlite:${join(folder, 'journal.db')}`,
  });

  run(`${language}: calls that end their process, and kills of the core: everything that got a 202 has exactly one end`, async t => {
    t.timeout(cycles * 60_000 + 300_000);
    const folder = await mkdtemp(join(tmpdir(), 'work-exits-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    const runs = join(folder, 'runs');
    const senders = new WorkSenders(runs, 4, {behaviours});
    for (let cycle = 0; cycle < cycles; cycle++) {
      const core = await startCore(env(folder), t);
      const sent = senders.send(core, 3);
      await pause(randomInt(1500));
      core.kill('SIGKILL');
      await Promise.all([core.exited, sent]);
    }
    const last = await startCore(env(folder), t);
    await senders.settle(last);
    await drained(last);
    await replays(t, last, senders);
    await drained(last);
    t.is(await last.stop(), 0);
    const {line, work} = await judge(t, {senders, runs, journal: join(folder, 'journal.db')});
    t.log(`${cycles} cycles: ${line}`);
    const failed = work.flatMap(({facts}) => facts.flatMap(({fact}) => (fact.type === 'attempt.failed' ? [fact.data.class] : [])));
    t.true(failed.includes('crash'), 'some ended their process');
  });

  run(`${language}: what ends its process each time is buried after three calls, and other work is not`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'work-poison-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    const runs = join(folder, 'runs');
    const core = await startCore({...env(folder), CORE_WORKERS: '1', CORE_CONCURRENCY: '1'}, t);
    const send = (name: string, exits: number) =>
      ask(core.url, {method: 'POST', headers: {prefer: 'respond-async'}, body: JSON.stringify({name, log: runs, exits})});
    const ids: string[] = [];
    for (let count = 0; count < 12; count++) {
      const answer = await send(`work-${count}`, count % 4 === 0 ? 99 : 0);
      ids.push(answer.field('core-invocation-id'));
    }
    await drained(core);
    const calls = (name: string) => writtenLines(runs).filter(line => line.endsWith(` ${name}`)).length;
    const {items} = (await ask(`${core.adminUrl}/api/dead?limit=100`)).json();
    t.deepEqual(
      items.map(({id, reason}: {id: string; reason: {why: string}}) => [id, reason.why]),
      [0, 4, 8].map(at => [ids[at], 'poison']),
    );
    for (let count = 0; count < 12; count++) t.is(calls(`work-${count}`), count % 4 === 0 ? 3 : 1, `work-${count}`);
  });
}
