import {existsSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {systemClock} from '../src/clock.ts';
import {projectFile} from '../test/helpers/core.ts';
import {markdownTable, median} from './figures.ts';
import {type Question, runAlone} from './program.ts';
import {bridgeProgram, ourProgram, type Program, start, startCollector, temporaryFolder} from './servers.ts';
import {buildOurs} from './shipped.ts';

/*
Where the memory of an idle core is, a second after its first answer: one thing more, or less, in each row.

    node bench/memory-parts.ts [rounds] [--json]
*/

const probe = projectFile('bench/memory-probe.cjs');
const settleMs = 1000;
const parts = ['resident', 'files', 'V8’s heap', 'in use', 'malloc', 'rest'] as const;

/** Megabytes of each part. */
type Parts = readonly number[];

export const memoryParts: Question = {
  rounds: 3,
  seconds: 0,

  async answer({rounds}) {
    await using stack = new AsyncDisposableStack();
    const main = await buildOurs(stack);
    const collector = await startCollector(stack);
    const core =
      (env: Record<string, string>, from = main) =>
      (each: AsyncDisposableStack) =>
        ourProgram('message', each, {main: from, env});
    const programs = new Map<string, (stack: AsyncDisposableStack) => Promise<Program>>([
      ['the Node bridge alone, over HTTP', () => bridgeProgram('message')],
      ['core, journal in memory', core({CORE_JOURNAL: 'memory:'})],
      ['**core** with default settings: + the journal’s thread', core({})],
      ['+ a second function’s process', core({CORE_WORKERS: '2'})],
      ['+ undici, as the function is called over HTTP', core({CORE_HOP: 'http'})],
      ['+ OpenTelemetry’s SDK, as spans are exported', core(collector)],
      ['from the TypeScript source', core({}, projectFile('src/main.ts'))],
    ]);
    const found = new Map([...programs.keys()].map((name): [string, Parts[]] => [name, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const [name, prepare] of programs) {
        const sample = await partsOf(prepare);
        if (round > 0) found.get(name)?.push(sample); // the first fills the compile cache
      }
    }
    const rows = [...found].map(([name, samples]) => [
      name,
      ...parts.map((_, index) => median(samples.map(sample => sample[index] ?? Number.NaN)).toFixed(1)),
    ]);
    return {
      title: 'Where the memory is',
      about:
        'Megabytes (10⁶ bytes) of one process, without the function’s. *Files* are pages of Node’s binary and its libraries, which processes ' +
        'share, and the kernel may drop. *V8’s heap* is that of the main thread, and *in use* what of it is alive or not collected yet. ' +
        '*Malloc* is the heap of C and its arenas: buffers, SQLite, compilations. *Rest* is mostly the heap of the journal’s thread.',
      tables: markdownTable(['what', ...parts], rows),
      figures: {},
    };
  },
};

async function partsOf(prepare: (stack: AsyncDisposableStack) => Promise<Program>): Promise<Parts> {
  await using stack = new AsyncDisposableStack();
  const said = join(await temporaryFolder(stack), 'usage.json');
  const program = await prepare(stack);
  const [file, ...args] = program.command;
  const {pids} = await start({...program, command: [file, '--require', probe, ...args], env: {...program.env, MEMORY_PROBE: said}}, stack);
  const [pid = 0] = pids;
  await fetch(`http://127.0.0.1:${program.port}/`).catch(() => {}); // the bridge alone refuses a call that is none
  await systemClock.sleep(settleMs);
  const mappings = mappingsOf(pid);
  process.kill(pid, 'SIGUSR2');
  while (!existsSync(said)) await systemClock.sleep(10);
  await systemClock.sleep(10);
  const {heapTotal, heapUsed} = JSON.parse(readFileSync(said, 'utf8'));
  rmSync(said);
  const sum = (kind: Mapping['kind']) => mappings.reduce((total, each) => total + (each.kind === kind ? each.bytes : 0), 0);
  const [files, malloc, other] = [sum('file'), sum('malloc'), sum('other')];
  return [files + malloc + other, files, heapTotal, heapUsed, malloc, other - heapTotal].map(bytes => bytes / 1e6);
}

interface Mapping {
  readonly kind: 'file' | 'malloc' | 'other';
  readonly bytes: number;
}

/** An arena of malloc begins where its address is a multiple of this. @see mallopt(3), glibc's HEAP_MAX_SIZE */
const arenaBytes = 2n ** 26n;

/** @see proc_pid_smaps(5) */
function mappingsOf(pid: number): Mapping[] {
  const text = readFileSync(`/proc/${pid}/smaps`, 'utf8');
  return [...text.matchAll(/^([0-9a-f]+)-[0-9a-f]+ (\S+) \S+ \S+ \d+ *(.*)\n(?:(?!^[0-9a-f]+-).*\n)*?Rss: +(\d+) kB/gm)].map(
    ([, from = '0', access = '', name = '', kilobytes]) => {
      const isArena = name === '' && access.startsWith('rw') && BigInt(`0x${from}`) % arenaBytes === 0n;
      const kind = name.startsWith('/') ? 'file' : name === '[heap]' || isArena ? 'malloc' : 'other';
      return {kind, bytes: Number(kilobytes) * 1024};
    },
  );
}

if (import.meta.main) await runAlone(memoryParts);
