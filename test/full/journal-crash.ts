import {execFile, spawnSync} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';

/*
What becomes of a journal whose process is killed at a system call of its writer, or whose disk refuses. The system
calls are made to fail by strace (Debian: package strace). CORE_TEST_CYCLES says how many kills, 20 unless set.
*/

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const straced = hasStrace ? test.serial : test.skip;
if (!hasStrace) console.log('skipped: injecting faults needs strace on the PATH');
const cycles = Number(process.env.CORE_TEST_CYCLES ?? 20);

interface Told {
  /** Facts that were acknowledged: number by position. */
  readonly kept: ReadonlyMap<number, number>;
  readonly refusals: readonly string[];
  readonly lines: readonly string[];
}

/** Runs the appender under strace with one fault. */
function append(file: string, fault: string, first: number, most: number): Promise<Told> {
  const [call] = fault.split(':');
  const args = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`, process.execPath];
  return new Promise(resolve => {
    execFile('strace', [...args, projectFile('test/helpers/journal-appender.ts'), file, String(first), String(most)], (_error, stdout) => {
      const lines = stdout.split('\n').filter(Boolean);
      const kept = new Map<number, number>();
      for (const line of lines) {
        const [position, , number] = line.split(' ');
        if (number !== undefined) kept.set(Number(position), Number(number));
      }
      resolve({kept, refusals: lines.filter(line => line.startsWith('refused')), lines});
    });
  });
}

async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return join(folder, 'journal.db');
}

/** Everything that was acknowledged is there, with its payload, and nothing is wrong with the rest. */
async function check(t: ExecutionContext, file: string, acknowledged: ReadonlyMap<number, number>, when: string): Promise<number> {
  t.deepEqual(verifySqlite(file).problems, [], when);
  using archive = new SqliteArchive(file, new ManualClock());
  const there = new Map<number, number>();
  for await (const {position, fact} of archive.scan('writer.')) {
    if (fact.type === 'runtime.gave-up') there.set(position, fact.data.exits);
  }
  const lost = [...acknowledged].filter(([position, number]) => there.get(position) !== number);
  t.deepEqual(lost, [], `${when}: acknowledged and lost`);
  for (const number of [...acknowledged.values()].slice(-20)) {
    t.is((await archive.payload(String(number)))?.[0], number % 256, `${when}: payload ${number}`);
  }
  t.is(new Set(there.values()).size, there.size, `${when}: twice`);
  return there.size;
}

straced('killed at any system call of its writer, a journal has all that was acknowledged', async t => {
  t.timeout(cycles * 20_000);
  const file = await newFile(t);
  const acknowledged = new Map((await append(file, 'fsync:delay_exit=0', 1, 10)).kept);
  t.is(acknowledged.size, 10);
  let next = 11;
  let found = 10;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const fault =
      [`pwrite64:signal=SIGKILL:when=${1 + ((cycle * 37) % 400)}`, `fsync:signal=SIGKILL:when=${1 + ((cycle * 7) % 60)}`][cycle % 2] ?? '';
    const {kept, lines} = await append(file, fault, next, 0);
    for (const [position, number] of kept) acknowledged.set(position, number);
    next += lines.length + 4; // those of the four writers that were not acknowledged may be there, too
    found = await check(t, file, acknowledged, `cycle ${cycle}, ${fault}`);
  }
  t.log(`${cycles} cycles, ${acknowledged.size} acknowledged, ${found} found, lost 0, double 0`);
});

for (const [title, fault] of [
  ['a sync that fails', 'fsync:error=EIO:when=20..24'],
  ['a write that fails', 'pwrite64:error=EIO:when=150..160'],
  ['a full disk', 'pwrite64:error=ENOSPC:when=150..156'],
] as const) {
  straced(`${title}: nothing is acknowledged that is not there, and it goes on afterwards`, async t => {
    const file = await newFile(t);
    // The file is made without a fault: how many calls that takes is not what is tried here.
    const before = await append(file, 'fsync:delay_exit=0', 1, 10);
    t.is(before.kept.size, 10);
    // It is opened again once a second, and each time meets one fault more.
    const {kept, refusals, lines} = await append(file, fault, 11, 800);
    t.true(refusals.length > 0, 'the fault was met');
    t.true(
      refusals.every(line => line === 'refused JOURNAL_FAILED'),
      refusals.join(),
    );
    t.false(lines.at(-1)?.startsWith('refused') ?? true, 'it recovered');
    await check(t, file, new Map([...before.kept, ...kept]), title);
    t.log(`${kept.size} acknowledged, ${refusals.length} refused, lost 0`);
  });
}
