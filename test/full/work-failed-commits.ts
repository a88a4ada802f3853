import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {projectFile} from '../helpers/core.ts';
import {hasStrace} from '../helpers/power-loss.ts';
import {readWork, refute} from '../helpers/work-told.ts';

/*
A disk that refuses to sync, or to write, while work is accepted and ends: commits that are reported to have failed may be there
when the file is opened again. Nothing of them may stay as it is until the next start. CORE_TEST_CYCLES says at how many places
it fails, 12 unless set.
*/

const straced = hasStrace ? test.serial : test.skip;
if (!hasStrace) console.log('skipped: injecting faults needs strace on the PATH');
const cycles = Number(process.env.CORE_TEST_CYCLES ?? 12);

/**
Runs the appender with a fault.

@param at the only file that has it. That of the mark is written after the commit
@returns the lines that it told
*/
function append(file: string, fault: string, at?: string): string[] {
  const [call] = fault.split(':');
  const path = at === undefined ? [] : ['-P', at];
  const args = ['-f', '-qq', '-o', '/dev/null', ...path, '-e', `trace=${call}`, '-e', `inject=${fault}`, process.execPath];
  const {stdout} = spawnSync('strace', [...args, projectFile('test/helpers/work-appender.ts'), file, '30'], {encoding: 'utf8'});
  return stdout.split('\n').filter(Boolean);
}

straced('whatever a failed commit has kept goes on in the same process', async t => {
  t.timeout(cycles * 30_000);
  let [refused, unheard, accepted] = [0, 0, 0];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const folder = mkdtempSync(join(tmpdir(), 'work-failed-'));
    t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
    const file = join(folder, 'journal.db');
    append(file, 'fsync:delay_exit=0'); // the file is made without a fault
    const at = 8 + ((cycle * 5) % 30); // opening the file has the first ones
    const fault = [`pwrite64:error=EIO:when=${at}`, `fsync:error=EIO:when=${at}`, `pwrite64:error=EIO:when=${2 * at}`][cycle % 3] ?? '';
    const lines = append(file, fault, cycle % 3 === 0 ? `${file}.mark` : undefined);
    refused += lines.filter(line => line.startsWith('refused')).length;
    t.is(lines.at(-1), 'left 0 0', `${fault}: nothing waits or runs until the next start`);
    t.deepEqual(verifySqlite(file).problems, [], fault);
    const work = await readWork(file);
    t.deepEqual(
      work.filter(told => !told.isOver || refute(told) !== undefined).map(told => `${fault}: ${told.id} ${refute(told)}`),
      [],
    );
    const known = new Set(work.map(({id}) => id));
    const promised = lines.flatMap(line => (line.startsWith('accepted') ? [line.split(' ')[1] ?? ''] : []));
    accepted += promised.length;
    t.true(
      promised.every(id => known.has(id)),
      fault,
    );
    const failures = work.flatMap(({facts}) => facts.map(({fact}) => fact));
    unheard += failures.filter(fact => fact.type === 'attempt.failed' && fact.data.code === 'JOURNAL_FAILED').length;
  }
  t.true(refused > 0, 'the fault was met');
  t.log(`${cycles} faults, ${accepted} receipts, ${refused} refusals, ${unheard} claims kept that nobody was told of; lost 0, stuck 0`);
  t.true(unheard > 0, 'a claim was kept by a commit that failed');
});
