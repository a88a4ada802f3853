import {type ChildProcess, execFile, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile} from '../helpers/core.ts';

/*
A journal with a reader, whose writes fail for a moment, is opened again; another program opens and closes the database;
more is acknowledged; then the process is killed. All that was acknowledged must be there, cycle after cycle.
CORE_TEST_CYCLES says how many, 10 unless set. Every fourth failure is a full disk, by strace (Debian: package strace),
the rest another program's write.
*/

const hasStrace = spawnSync('strace', ['-V']).status === 0;
if (!hasStrace) console.log('skipped: a disk that is full for a moment needs strace on the PATH');
const cycles = Number(process.env.CORE_TEST_CYCLES ?? 10);
const full = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:error=ENOSPC:when=600..604'];

const run = promisify(execFile);
const outsider = (file: string, sql = 'SELECT count(*) FROM pack') =>
  run('python3', [projectFile('test/helpers/sqlite-outsider.py'), file, sql]);

/** The appender, and the lines that it has printed. */
function start(file: string, first: number, strace: boolean) {
  const node = [process.execPath, projectFile('test/helpers/journal-appender.ts'), file, String(first), '0', 'read'];
  const [command = '', ...args] = strace ? ['strace', ...full, ...node] : node;
  const child: ChildProcess = spawn(command, args, {stdio: ['ignore', 'pipe', 'inherit'], detached: true}); // a group of its own
  const lines: string[] = [];
  let wake = () => {};
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', chunk => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  let hasEnded = false;
  const ended = once(child, 'close').then(() => {
    hasEnded = true;
    wake();
  });
  return {
    lines,
    async until(fits: () => boolean) {
      while (!fits()) {
        if (hasEnded) throw new Error('The appender ended by itself');
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
    kill() {
      if (child.pid !== undefined && !hasEnded) process.kill(-child.pid, 'SIGKILL');
      return ended;
    },
  };
}

const isKept = (line: string) => !line.startsWith('refused');

test('what was acknowledged after a reopening beside a reader survives another program’s close and a kill', async t => {
  t.timeout(cycles * 60_000);
  const folder = await mkdtemp(join(tmpdir(), 'journal-reopened-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'journal.db');
  const acknowledged = new Map<number, number>();
  let [next, refused, reopened] = [1, 0, 0];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const strace = hasStrace && cycle % 4 === 0;
    const appender = start(file, next, strace);
    t.teardown(() => appender.kill());
    const {lines, until} = appender;
    await until(() => lines.filter(isKept).length >= 5);
    if (!strace) await outsider(file, "UPDATE meta SET value = value + 1 WHERE key = 'opened'");
    await until(() => lines.some(line => !isKept(line)));
    const keptAfter = () => lines.slice(lines.findLastIndex(line => !isKept(line)) + 1).length;
    await until(() => keptAfter() >= 3);
    reopened++;
    await outsider(file);
    if (!existsSync(`${file}-wal`)) t.fail(`cycle ${cycle}: the log was deleted`);
    const before = lines.length;
    await until(() => lines.length >= before + 5 + (cycle % 7));
    if (cycle % 3 === 0) await outsider(file);
    await appender.kill();
    for (const line of lines) {
      const [position, , number] = line.split(' ');
      if (isKept(line)) acknowledged.set(Number(position), Number(number));
      else refused++;
    }
    next += lines.length + 4; // those of the four writers that were not acknowledged may be there, too
    t.deepEqual(verifySqlite(file).problems, [], `cycle ${cycle}`);
    using archive = new SqliteArchive(file, new ManualClock());
    const there = new Map<number, number>();
    for await (const {position, fact} of archive.scan('writer.')) if (fact.type === 'runtime.gave-up') there.set(position, fact.data.exits);
    const lost = [...acknowledged].filter(([position, number]) => there.get(position) !== number);
    t.deepEqual(lost, [], `cycle ${cycle}: acknowledged and lost`);
  }
  t.log(`${cycles} cycles, ${acknowledged.size} acknowledged, ${refused} refused, ${reopened} reopened, lost 0`);
});
