import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {writtenLines} from '../helpers/lines.ts';
import {ask} from '../helpers/request.ts';
import {drained} from '../helpers/work-judge.ts';
import {disordered, readWork, refute} from '../helpers/work-told.ts';

/*
A core that is stopped by TERM while work runs, waits for a place, for its time, and behind other work.
*/

const census = async (core: RunningCore) => (await ask(`${core.adminUrl}/api/work?limit=1`)).json();

test('a core that is stopped ends what runs, keeps what waits, and the next one goes on', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'work-stop-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const [runs, journal] = [join(folder, 'runs'), join(folder, 'journal.db')];
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_WORK: 'on',
    CORE_WORK_CONCURRENCY: '2',
    CORE_JOURNAL: `sqlite:${journal}`,
  };
  const core = await startCore(env, t);
  const promised: string[] = [];
  const send = async (name: string, headers: Record<string, string> = {}) => {
    const body = JSON.stringify({name, log: runs, ms: 500});
    const answer = await ask(core.url, {method: 'POST', headers: {prefer: 'respond-async', ...headers}, body});
    t.is(answer.status, 202);
    promised.push(answer.field('core-invocation-id'));
  };
  await Promise.all(['one', 'two', 'three', 'four'].map(name => send(name)));
  await send('later', {'core-delay': '1s'});
  for (const name of ['first', 'second']) await send(name, {'core-ordering-key': 'k'});
  while ((await census(core)).running < 2) await pause(10);
  t.is(await core.stop(), 0);

  const between = await readWork(journal);
  t.deepEqual(between.map(({id}) => id).toSorted(), promised.toSorted());
  const over = between.filter(({isOver}) => isOver);
  t.true(over.length >= 2, 'what ran came to its end');
  t.true(over.length < promised.length, 'something waited');

  const next = await startCore(env, t);
  for (let open = 1; open > 0; await pause(20)) {
    const {waiting, behind, running} = await census(next);
    open = waiting + behind + running;
  }
  t.is(await next.stop(), 0);
  const work = await readWork(journal);
  t.deepEqual(
    work.filter(told => !told.isOver || refute(told) !== undefined).map(told => `${told.id}: ${refute(told)}`),
    [],
  );
  t.true(
    work.every(({facts}) => !facts.some(({fact}) => fact.type === 'attempt.failed' && fact.data.class === 'lost')),
    'nothing was lost',
  );
  t.is(writtenLines(runs).length, promised.length, 'each ran once');
});

test('work that outlasts the grace time is tried again by the next start, and is no loss', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'work-outlasts-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const [runs, journal] = [join(folder, 'runs'), join(folder, 'journal.db')];
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
    CORE_WORK: 'on',
    CORE_WORK_CONCURRENCY: '2',
    CORE_GRACE: '500ms',
    CORE_JOURNAL: `sqlite:${journal}`,
  };
  const core = await startCore(env, t);
  for (const [index, headers] of [{}, {'core-ordering-key': 'k'}, {'core-ordering-key': 'k'}].entries()) {
    const body = JSON.stringify({name: `work-${index}`, log: runs, ms: index < 2 ? 60_000 : 1, once: true});
    const answer = await ask(core.url, {method: 'POST', headers: {prefer: 'respond-async', ...headers}, body});
    t.is(answer.status, 202);
  }
  const calls = () => (existsSync(runs) ? writtenLines(runs).length : 0);
  while (calls() < 2) await pause(10);
  t.is(await core.stop(), 0);
  t.like(core.logs.at(-1), {msg: 'Stopped', completed: 0, handedBack: 2, lost: 0});
  const between = await readWork(journal);
  t.deepEqual(
    between.map(({facts}) => facts.at(-1)?.fact.type),
    ['retry.scheduled', 'retry.scheduled', 'invocation.accepted'],
    'what was broken off is due again, and what is behind it waits',
  );

  const next = await startCore(env, t);
  await drained(next);
  t.is(await next.stop(), 0);
  const work = await readWork(journal);
  t.deepEqual(work.map(refute), [undefined, undefined, undefined]);
  t.deepEqual(
    work.map(({facts}) => facts.flatMap(({fact}) => (fact.type === 'attempt.failed' ? [fact.data.class] : []))),
    [['cancelled'], ['cancelled'], []],
    'nothing was lost',
  );
  t.true(work.every(({isOver}) => isOver));
  t.deepEqual(disordered(work), []);
  t.is(calls(), 5, 'each once more');
});
