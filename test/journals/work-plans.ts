import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import type {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import {openWriting} from '../../src/journals/sqlite/schema.ts';
import type {WorkChange} from '../../src/journals/sqlite/work-change.ts';
import {WorkReader} from '../../src/journals/sqlite/work-reader.ts';
import {WorkTable} from '../../src/journals/sqlite/work-table.ts';
import {newFile} from '../helpers/sqlite-journal.ts';

const limits = {attempts: 3, deaths: 2};
const key = {scope: 's', fingerprint: 'f', until: 9};
const reason = {why: 'refused', class: 'http', status: 500} as const;
const item = (id: string) => ({id, acceptedAt: 1, due: 1, orderingKey: 'k'});

/** Every kind of change, and every branch that asks the database something of its own. */
const changes: readonly WorkChange[] = [
  {kind: 'enqueue', item: item('a'), key, claims: undefined, most: 9},
  {kind: 'enqueue', item: item('b'), key: undefined, claims: undefined, most: 9},
  {kind: 'enqueue', item: {...item('c'), orderingKey: undefined}, key: undefined, claims: true, most: 9},
  {kind: 'enqueue', item: {...item('d'), orderingKey: undefined}, key: undefined, claims: undefined, most: 9},
  {kind: 'claim', most: 1, limits},
  {kind: 'settle', id: 'a', epoch: 1, dead: undefined, posts: undefined, freesKey: true},
  {kind: 'settle', id: 'c', epoch: 1, dead: reason, posts: undefined, freesKey: undefined},
  {kind: 'redrive', id: 'c', due: 1},
  {kind: 'claim', most: 9, limits},
  {kind: 'retry', id: 'b', epoch: 1, due: 2, isFree: true, deaths: 0},
  {kind: 'settle', id: 'c', epoch: 2, dead: reason, posts: undefined, freesKey: undefined},
  {kind: 'drop', id: 'c'},
  {kind: 'settle', id: 'd', epoch: 1, dead: undefined, posts: true, freesKey: undefined},
  {kind: 'cancel', id: 'b'},
];

async function newJournalFile(t: ExecutionContext): Promise<string> {
  const file = await newFile(t);
  await mkdir(path.dirname(file), {recursive: true});
  return file;
}

test('no question about work sorts or reads everything that waits', async t => {
  const db = openWriting(await newJournalFile(t), 2 ** 20);
  t.teardown(() => db.close());
  const asked = new Set<string>();
  const listening = new Proxy(db, {
    get(target, member) {
      const value = Reflect.get(target, member, target);
      if (member !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (sql: string) => {
        asked.add(sql);
        return target.prepare(sql);
      };
    },
  }) as DatabaseSync;
  const [table, reader] = [new WorkTable(listening), new WorkReader(listening)];
  for (const change of changes) {
    const applied = table.apply(change, 2);
    t.false('refusal' in applied, JSON.stringify(change));
  }
  reader.find('a');
  reader.nextDue();
  reader.census(2);
  for (const query of [{}, {status: 'waiting'}, {orderingKey: 'k'}, {orderingKey: 'k', status: 'waiting'}, {after: 'a'}] as const)
    reader.list({...query, limit: 1});
  t.true(asked.size > 15, `${asked.size}`);
  for (const sql of asked) {
    const plan = db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({detail}) => String(detail));
    const isSlow = plan.some(step => step.includes('TEMP B-TREE') || /^SCAN work(_key)?$/.test(step));
    t.false(isSlow, `${sql}: ${plan.join('; ')}`);
    if (/ordering = .* ORDER BY id/.test(sql)) t.regex(plan.join(), /work_keyed/, sql);
    if (/status = 0/.test(sql) && !/^UPDATE/.test(sql))
      t.true(
        plan.some(step => step.includes('work_due')),
        sql,
      );
  }
});

test('the counts of a journal from before they were kept are made when it is opened', async t => {
  const file = await newJournalFile(t);
  const before = openWriting(file, 2 ** 20);
  const table = new WorkTable(before);
  for (const change of changes.slice(0, 5)) table.apply(change, 2);
  before.exec('DROP TRIGGER work_came; DROP TRIGGER work_went; DROP TRIGGER work_changed; DROP TABLE work_count');
  before.close();
  const db = openWriting(file, 2 ** 20);
  t.teardown(() => db.close());
  const {waiting, behind, running, dead} = new WorkReader(db).census(2);
  t.deepEqual({waiting, behind, running, dead}, {waiting: 1, behind: 1, running: 2, dead: 0});
});
