import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {openWriting} from '../../src/journals/sqlite/schema.ts';
import {Searches, sweep} from '../../src/journals/sqlite/sweep.ts';
import type {Claimed} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {newFile, openFile, retention} from '../helpers/sqlite-journal.ts';
import {workSuite} from '../helpers/work-suite.ts';

workSuite('memory', async (_, clock) => new MemoryJournal(clock));
workSuite('sqlite', async (t, clock) => openFile(await newFile(t), clock));

const limits = {attempts: 3, deaths: 2};

test('sqlite: what ran when its core ended is lost, due at once, and after two such ends buried', async t => {
  const file = await newFile(t);
  const clock = new ManualClock();
  const id = '0191f0a0-0000-7000-8000-000000000000';
  const tasks: Pick<Claimed, 'task' | 'attempts'>[] = [];
  const classes: string[] = [];
  for (let start = 0; start < 3; start++) {
    const journal = await openFile(file, clock);
    const {work} = journal;
    if (start === 0) {
      const accepted = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}} as const;
      await work.enqueue({id, acceptedAt: clock.now(), due: clock.now()}, {facts: [accepted], payloads: [], most: 9});
    }
    for (const {task, attempts} of await work.claim(5, limits)) tasks.push({task, attempts});
    for await (const {fact} of journal.read(`invocation.${id}`))
      if (start === 2 && fact.type === 'attempt.failed') classes.push(fact.data.class);
    await journal[Symbol.asyncDispose]();
  }
  t.deepEqual(tasks, [
    {task: 'run', attempts: 1},
    {task: 'run', attempts: 2},
    {task: 'bury', attempts: 2},
  ]);
  t.deepEqual(classes, ['lost', 'lost']);
});

for (const end of ['bury', 'expire'] as const) {
  test(`sqlite: what was to ${end} when its core ended is taken again, and is told of no attempt more`, async t => {
    const file = await newFile(t);
    const clock = new ManualClock();
    const id = '0191f0a0-0000-7000-8000-000000000000';
    const accepted = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}} as const;
    const [once, taken] = [{attempts: 1, deaths: 3}, [] as Pick<Claimed, 'task' | 'attempts' | 'deaths'>[]];
    for (let start = 0; start < 4; start++) {
      const journal = await openFile(file, clock);
      const {work} = journal;
      if (start === 0) {
        const expires = end === 'expire' ? clock.now() + 1 : undefined;
        await work.enqueue({id, acceptedAt: clock.now(), due: clock.now(), expires}, {facts: [accepted], payloads: [], most: 9});
        if (end === 'expire') await clock.advance(1);
      }
      for (const {task, attempts, deaths} of await work.claim(5, once)) taken.push({task, attempts, deaths});
      await journal[Symbol.asyncDispose]();
    }
    const run = {task: 'run', attempts: 1, deaths: 0} as const;
    const ended = end === 'bury' ? {task: end, attempts: 1, deaths: 1} : {task: end, attempts: 0, deaths: 0};
    t.deepEqual(taken, [end === 'bury' ? run : ended, ended, ended, ended]);
    await using journal = await openFile(file, clock);
    const types = (await Array.fromAsync(journal.read(`invocation.${id}`))).map(({fact}) => fact.type);
    t.deepEqual(types, ['invocation.accepted', ...(end === 'bury' ? ['attempt.started', 'attempt.failed'] : [])]);
  });
}

test('sqlite: the request of a dead letter, and its facts, stay at any age until it is dropped', async t => {
  const clock = new ManualClock();
  await using journal = await openFile(await newFile(t), clock);
  const {work} = journal;
  const id = '0191f0a0-0000-7000-8000-000000000000';
  const [stream, name] = [`invocation.${id}`, `invocation.${id}/request`];
  const accepted = {type: 'invocation.accepted', data: {source: 'work', bytes: 1, attempt: 1, dataref: name}} as const;
  const facts = [accepted] as const;
  await work.enqueue({id, acceptedAt: clock.now(), due: clock.now()}, {facts, payloads: [{name, bytes: Buffer.from('x')}], most: 9});
  const [claimed] = await work.claim(1, limits);
  if (!claimed) throw new TypeError('Expected an item');
  const settled = {type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 500, durationMs: 1}} as const;
  await work.settle(claimed, {facts: [settled], dead: {why: 'exhausted', class: 'error', status: 500}});
  await sweepMonth('runtime.first');
  t.is((await journal.payload(name))?.length, 1);
  t.is((await journal.last(stream))?.fact.type, 'invocation.settled');
  t.true(await work.drop(id));
  await sweepMonth('runtime.second');
  t.is(await journal.payload(name), undefined);
  t.is(await journal.last(stream), undefined);

  async function sweepMonth(marker: string): Promise<void> {
    const fact = {type: 'runtime.gave-up', data: {exits: 1, withinMs: 1}} as const;
    await journal.append(marker, [fact]);
    await clock.advance(30 * 24 * 3_600_000);
    await journal.append(`${marker}.newest`, [fact]);
    while ((await journal.last(marker)) !== undefined) await clock.advance(60_000);
  }
});

test('sqlite: keys whose time is over go with the sweep, some at each step, also when no other key comes', async t => {
  const file = await newFile(t);
  await (await openFile(file))[Symbol.asyncDispose]();
  const db = openWriting(file, 2 ** 20);
  t.teardown(() => db.close());
  const count = () => Number(db.prepare('SELECT count(*) AS n FROM work_key').get()?.n);
  const insert = db.prepare('INSERT INTO work_key VALUES(?, ?, ?, ?)');
  for (let each = 0; each < 1100; each++) insert.run(`s${each}`, 'f', `i${each}`, each < 1050 ? 1000 : 1001);
  const [left, searches] = [[] as number[], new Searches()];
  for (let next: number | undefined = 0; next !== undefined; left.push(count()))
    ({next} = sweep(db, retention, {now: 1000, after: next, searches}));
  t.deepEqual(left, [588, 76, 50]);
});
