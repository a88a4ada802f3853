import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {SqliteStore} from '../../src/journals/sqlite/store.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {hasStrace, momentsOf, recordDisk} from '../helpers/power-loss.ts';
import {refute} from '../helpers/work-told.ts';

/*
A power loss while work is accepted and ends, replayed (test/helpers/power-loss.ts): what got a receipt is in the files, either
as an item or as an end; what ended does not run again; items, facts, requests and keys agree. CORE_TEST_CYCLES says at how many
moments, 60 unless set.
*/

const straced = hasStrace ? test.serial : test.skip;
if (!hasStrace) console.log('skipped: recording a disk’s work needs strace on the PATH');
const moments = Number(process.env.CORE_TEST_CYCLES ?? 60);

/** What the files know. */
async function readFiles(db: string) {
  new SqliteStore(db)[Symbol.dispose]();
  using archive = new SqliteArchive(db, new ManualClock());
  const facts = Map.groupBy(await Array.fromAsync(archive.scan('invocation.')), ({stream}) => stream.slice('invocation.'.length));
  const raw = new DatabaseSync(db, {readOnly: true});
  const column = (sql: string) =>
    new Set(
      raw
        .prepare(sql)
        .all()
        .map(row => String(Object.values(row)[0])),
    );
  const [items, keys, payloads] = [column('SELECT id FROM work'), column('SELECT scope FROM work_key'), column('SELECT name FROM payload')];
  raw.close();
  const isOver = (id: string) => facts.get(id)?.at(-1)?.fact.type === 'invocation.settled';
  return {facts, items, keys, payloads, isOver};
}

straced('after a power loss at any moment all work that got a receipt is there, and what ended is over', async t => {
  t.timeout(900_000);
  const folder = mkdtempSync(join(tmpdir(), 'work-power-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const recording = recordDisk(folder, 'test/helpers/work-appender.ts', ['20'], ['200']);
  const lines = recording.steps.flatMap(step => (step.type === 'told' ? [step.line] : []));
  t.is(lines.filter(line => line.startsWith('accepted')).length, 200, 'every receipt was recorded');
  t.is(lines.at(-1), 'left 0 0');
  let [accepted, ended] = [0, 0];
  for (const {title, happened, db} of momentsOf(recording, moments, folder)) {
    const {facts, items, keys, payloads, isOver} = await readFiles(db);
    t.deepEqual(verifySqlite(db).problems, [], title);
    for (const step of happened) {
      const [what, id = '', key = '-'] = step.type === 'told' ? step.line.split(' ') : [];
      if (what === 'accepted') {
        accepted++;
        if (!facts.has(id) || items.has(id) === isOver(id)) t.fail(`${title}: ${id} was accepted and lost`);
        if (key !== '-' && !keys.has(key)) t.fail(`${title}: the key of ${id} is lost`);
      } else if (what === 'ended') {
        ended++;
        if (!isOver(id) || items.has(id)) t.fail(`${title}: ${id} ended and runs again`);
      }
    }
    for (const id of items) if (isOver(id) || !payloads.has(`invocation.${id}/request`)) t.fail(`${title}: ${id} is an item in part`);
    for (const [id, told] of facts) {
      if (!isOver(id) && !items.has(id)) t.fail(`${title}: ${id} waits, and is no item`);
      const wrong = refute({id, facts: told, orderingKey: undefined, isOver: false});
      if (wrong !== undefined) t.fail(`${title}: ${id}: ${wrong}`);
    }
  }
  t.log(`${moments} moments of ${recording.steps.length} steps, ${accepted} receipts and ${ended} ends checked, lost 0`);
});
