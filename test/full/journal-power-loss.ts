import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {SqliteStore} from '../../src/journals/sqlite/store.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {hasStrace, momentsOf, recordDisk, type Step} from '../helpers/power-loss.ts';

/*
A power loss, replayed (test/helpers/power-loss.ts). Whatever was acknowledged by then must be in the files, and nothing may
pass for what it is not.
*/

const straced = hasStrace ? test.serial : test.skip;
if (!hasStrace) console.log('skipped: recording a disk’s work needs strace on the PATH');
const moments = Number(process.env.CORE_TEST_CYCLES ?? 60);

straced('after a power loss at any moment all that was acknowledged is there', async t => {
  t.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'power-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const recording = recordDisk(folder, 'test/helpers/journal-appender.ts', ['1', '40'], ['41', '300']);
  const {steps} = recording;
  const told = (step: Step) => (step.type === 'told' ? /^(\d+) writer\.\d (\d+)$/.exec(step.line) : null);
  t.is(steps.filter(told).length, 300, 'every receipt was recorded');
  t.true(
    steps.some(({type}) => type === 'cut'),
    'a checkpoint was recorded',
  );
  let checked = 0;
  for (const {title, happened, db} of momentsOf(recording, moments, folder)) {
    new SqliteStore(db)[Symbol.dispose]();
    t.deepEqual(verifySqlite(db).problems, [], title);
    using archive = new SqliteArchive(db, new ManualClock());
    const there = new Map<number, number>();
    for await (const {position, fact} of archive.scan('writer.')) if (fact.type === 'runtime.gave-up') there.set(position, fact.data.exits);
    for (const step of happened) {
      const [, position, number] = told(step) ?? [];
      if (number === undefined) continue;
      checked++;
      if (there.get(Number(position)) !== Number(number)) t.fail(`${title}: ${position} was acknowledged and lost`);
    }
  }
  t.log(`${moments} moments of ${steps.length} steps, ${checked} receipts checked, lost 0`);
});
