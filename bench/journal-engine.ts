import {execFileSync} from 'node:child_process';
import {randomUUIDv7} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, statSync} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import {monitorEventLoopDelay} from 'node:perf_hooks';
import {systemClock} from '../src/clock.ts';
import type {Fact} from '../src/facts.ts';
import {SqliteArchive} from '../src/journals/sqlite/archive.ts';
import {SqliteJournal} from '../src/journals/sqlite/journal.ts';
import {explainInvocation} from '../src/projections/explanation.ts';
import {listInvocations} from '../src/projections/invocation-list.ts';
import {projectFile, startCore} from '../test/helpers/core.ts';
import {median} from './figures.ts';
import {type Measured, measure} from './load.ts';

/*
What the journal costs and what it can do.

    node bench/journal-engine.ts http [rounds] [seconds]      throughput and CPU time of the core with facts off, on, full, in turn
    node bench/journal-engine.ts appends [seconds]            durable appends a second, by 1, 16 and 256 writers at a time
    node bench/journal-engine.ts retained [invocations]       size, time to open, latency of explain and of a list
    node bench/journal-engine.ts slow [rounds] [seconds]      replies while every sync takes 20 ms (needs strace)
*/

const [what = 'http', ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const folder = mkdtempSync(join(tmpdir(), 'bench-journal-'));
const retention = {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 40};
const silent = {debug() {}, info() {}, warn: console.error, error: console.error};
const house = {
  clock: systemClock,
  log: silent,
  meter: {appended() {}, payloadsShed() {}, shed: (facts: number) => console.error(`${facts} facts were shed`)},
};
const open = (name: string) => SqliteJournal.open(join(folder, name), retention, house);

const settled = (durationMs: number): Fact => ({
  type: 'invocation.settled',
  data: {outcome: 'responded', status: 200, durationMs, pid: 4711},
});
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'http', bytes: 120, attempt: 1}};

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`);
try {
  if (what === 'http') await compareHttp(numbers[0] ?? 3, numbers[1] ?? 3);
  else if (what === 'appends') await countAppends(numbers[0] ?? 3);
  else if (what === 'retained') await measureRetained(numbers[0] ?? 1_000_000);
  else if (what === 'slow') await slowSyncs(numbers[0] ?? 2, numbers[1] ?? 3);
  else console.error('expected http, appends, retained or slow');
} finally {
  rmSync(folder, {recursive: true});
}

interface Run extends Measured {
  /** Of the core, per request, in all its threads. */
  readonly cpuUs: number;
}

async function compareHttp(rounds: number, seconds: number): Promise<void> {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs')};
  const cores = {
    off: await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/off.db`, CORE_JOURNAL_HTTP: 'off'}),
    facts: await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/facts.db`}),
    full: await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/full.db`, CORE_JOURNAL_HTTP: 'full'}),
  };
  const runs = new Map<string, Run[]>(Object.keys(cores).map(name => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, core] of Object.entries(cores)) {
      const before = cpuMs(core.pid);
      const run = await measure({url: core.url, connections: 32, seconds: round === 0 ? 2 : seconds});
      const cpuUs = ((cpuMs(core.pid) - before) * 1000) / (run.requestsPerSecond * (round === 0 ? 2 : seconds));
      if (round > 0) runs.get(name)?.push({...run, cpuUs}); // the first round warms up
    }
  }
  console.log(
    '| CORE_JOURNAL_HTTP | requests/s (min–max) | ratio | core µs CPU per request | ratio | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|',
  );
  const base = runs.get('off') ?? [];
  const middle = (list: readonly Run[], of: (run: Run) => number) => median(list.map(of));
  for (const [name, list] of runs) {
    const rates = list.map(({requestsPerSecond}) => requestsPerSecond);
    const rate = median(rates);
    const cpu = middle(list, ({cpuUs}) => cpuUs);
    const range = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`;
    const [rateRatio, cpuRatio] = [rate / middle(base, run => run.requestsPerSecond), cpu / middle(base, run => run.cpuUs)];
    const [p50, p99] = [middle(list, run => run.p50Us) / 1000, middle(list, run => run.p99Us) / 1000];
    console.log(
      `| ${name} | ${Math.round(rate)} (${range}) | ${rateRatio.toFixed(2)} | ${cpu.toFixed(1)} | ${cpuRatio.toFixed(2)} | ${p50.toFixed(2)} | ${p99.toFixed(1)} |`,
    );
  }
  for (const core of Object.values(cores)) await core.stop();
  for (const name of ['facts', 'full'])
    console.log(`\n${name}.db: ${(statSync(join(folder, `${name}.db`)).size / 2 ** 20).toFixed(1)} MiB`);
}

/** User and system time of a process so far; the clock of the system ticks 100 times a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function countAppends(seconds: number): Promise<void> {
  console.log('| writers at a time | durable appends/s | p50 ms | p99 ms | event loop delay p99 ms |\n|---|---|---|---|---|');
  for (const writers of [1, 16, 256]) {
    await using journal = await open(`appends-${writers}.db`);
    const delay = monitorEventLoopDelay({resolution: 1});
    delay.enable();
    const took: number[] = [];
    const until = systemClock.monotonic() + seconds * 1000;
    await Promise.all(
      Array.from({length: writers}, async () => {
        while (systemClock.monotonic() < until) {
          const started = systemClock.monotonic();
          await journal.append(`work.${randomUUIDv7()}`, [accepted], {expect: 0});
          took.push(systemClock.monotonic() - started);
        }
      }),
    );
    delay.disable();
    took.sort((a, b) => a - b);
    const at = (share: number) => (took[Math.floor(took.length * share)] ?? 0).toFixed(2);
    console.log(
      `| ${writers} | ${Math.round(took.length / seconds)} | ${at(0.5)} | ${at(0.99)} | ${(delay.percentile(99) / 1e6).toFixed(1)} |`,
    );
  }
}

async function measureRetained(invocations: number): Promise<void> {
  const ids: string[] = [];
  let journal = await open('retained.db');
  const started = systemClock.monotonic();
  for (let each = 0; each < invocations; each++) {
    const id = randomUUIDv7();
    if (each % Math.ceil(invocations / 100) === 0) ids.push(id);
    journal.record(`invocation.${id}`, [accepted]);
    journal.record(`invocation.${id}`, [settled(each % 977)]);
    if (each % 200 === 199) await systemClock.sleep(0); // as many as come in a few milliseconds
    if (each % 20_000 === 19_999) await journal.last('none'); // not more than the queue takes
  }
  await journal[Symbol.asyncDispose]();
  const writeS = (systemClock.monotonic() - started) / 1000;
  const size = statSync(join(folder, 'retained.db')).size;
  const openMs = await time(async () => {
    journal = await open('retained.db');
  });
  await journal[Symbol.asyncDispose]();
  using archive = new SqliteArchive(join(folder, 'retained.db'), systemClock);
  const explainMs = await times(ids, async id => void (await explainInvocation(archive, id)));
  const unknownMs = await time(async () => void (await explainInvocation(archive, randomUUIDv7())));
  const listMs = await time(async () => void (await listInvocations(archive, {since: 0, now: systemClock.now(), limit: 100})));
  console.log(`${invocations} invocations, ${2 * invocations} facts, recorded in ${writeS.toFixed(1)} s`);
  console.log(`size ${(size / 2 ** 20).toFixed(1)} MiB, ${(size / invocations).toFixed(1)} bytes each`);
  console.log(`open ${openMs.toFixed(0)} ms`);
  console.log(
    `explain p50 ${median(explainMs).toFixed(2)} ms, most ${Math.max(...explainMs).toFixed(2)} ms; of an unknown id ${unknownMs.toFixed(0)} ms`,
  );
  console.log(`list of the newest 100 ${listMs.toFixed(0)} ms`);
}

async function time(work: () => Promise<void>): Promise<number> {
  const started = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - started;
}

async function times(ids: readonly string[], work: (id: string) => Promise<void>): Promise<number[]> {
  const list: number[] = [];
  for (const id of ids) list.push(await time(() => work(id)));
  return list;
}

async function slowSyncs(rounds: number, seconds: number): Promise<void> {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs')};
  const plain = await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/plain.db`});
  const slow = await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/slow.db`});
  const {spawn} = await import('node:child_process');
  const args = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '--seccomp-bpf',
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    'inject=fsync,fdatasync:delay_exit=20000',
  ];
  // Attached to the writer's thread only, so that the others pay nothing for being watched.
  const threads = execFileSync('sh', ['-c', `grep -l journal /proc/${slow.pid}/task/*/comm || true`], {encoding: 'utf8'}).trim();
  const thread = /task\/(\d+)\//.exec(threads)?.[1];
  const tracer = spawn('strace', [...args.filter(arg => arg !== '-f' && arg !== '--seccomp-bpf'), '-p', thread ?? String(slow.pid)], {
    stdio: 'inherit',
  });
  await systemClock.sleep(500);
  for (const connections of [1, 32]) {
    for (const [name, core] of Object.entries({plain, slow})) {
      const runs: Measured[] = [];
      for (let round = 0; round < rounds; round++) runs.push(await measure({url: core.url, connections, seconds}));
      const rates = runs.map(run => Math.round(run.requestsPerSecond));
      console.log(
        `${connections} at a time, ${name}: ${rates.join(', ')} requests/s, p50 ${runs.map(run => run.p50Us).join(', ')} µs, p99 ${runs.map(run => run.p99Us).join(', ')} µs`,
      );
    }
  }
  tracer.kill();
  await Promise.all([plain.stop(), slow.stop()]);
}
