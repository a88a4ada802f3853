import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {cpuMicros} from './cpu.ts';

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The server's process: its CPU time, with that of its children, is measured too. */
  readonly pid?: number | undefined;
}

export interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the server for each answer; NaN when it was not measured. */
  readonly cpuUs: number;
  /** Answers that were none, or not 2xx. */
  readonly errors: number;
}

/** Runs `wrk` (Debian: package wrk) with one thread and reads its figures. */
export async function measure({url, connections, seconds, method = 'GET', headers = {}, body = '', pid}: Load): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const script = join(folder, 'load.lua');
  const lines = [
    `wrk.method = ${JSON.stringify(method)}`,
    `wrk.body = ${luaString(body)}`,
    ...Object.entries(headers).map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${luaString(value)}`),
    'done = function(summary, latency, requests)',
    '  local e = summary.errors',
    '  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,',
    '    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))',
    'end',
  ];
  await writeFile(script, lines.join('\n'));
  const before = pid === undefined ? Number.NaN : cpuMicros(pid);
  const {stdout} = await promisify(execFile)('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]);
  const spentUs = pid === undefined ? Number.NaN : cpuMicros(pid) - before;
  await rm(folder, {recursive: true});
  const [, requests = 0, micros = 1, p50Us = 0, p99Us = 0, errors = 0] =
    /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.map(Number) ?? [];
  return {requestsPerSecond: requests / (micros / 1e6), p50Us, p99Us, cpuUs: spentUs / requests, errors};
}

const luaString = (text: string) => `[==[${text}]==]`;

export interface Contender {
  readonly name: string;
  readonly load: Load;
}

/** Runs the contenders in turn, A B A B, and returns every round's figures by name. */
export async function race(contenders: readonly Contender[], rounds: number): Promise<Map<string, Measured[]>> {
  const results = new Map(contenders.map(({name}): [string, Measured[]] => [name, []]));
  for (const {load} of contenders) await measure({...load, seconds: 2}); // warm up
  for (let round = 0; round < rounds; round++) {
    for (const {name, load} of contenders) results.get(name)?.push(await measure(load));
  }
  return results;
}

/** A Markdown table: medians with minimum and maximum, and the ratio to the first contender. */
export function table(results: ReadonlyMap<string, readonly Measured[]>): string {
  const [first] = results.values();
  const base = median(first?.map(each => each.requestsPerSecond) ?? []);
  const rows = [...results].map(([name, runs]) => {
    const rates = runs.map(each => each.requestsPerSecond);
    const rate = median(rates);
    const [least, most] = [Math.min(...rates), Math.max(...rates)].map(each => Math.round(each).toLocaleString('en'));
    const p50 = (median(runs.map(each => each.p50Us)) / 1000).toFixed(3);
    const p99 = (median(runs.map(each => each.p99Us)) / 1000).toFixed(2);
    const errors = runs.reduce((sum, each) => sum + each.errors, 0);
    const cpu = median(runs.map(each => each.cpuUs)).toFixed(1);
    return `| ${name} | ${Math.round(rate).toLocaleString('en')} (${least}–${most}) | ${(rate / base).toFixed(2)} | ${p50} | ${p99} | ${cpu} | ${errors} |`;
  });
  return [
    '| what | requests/s (min–max) | ratio | p50 ms | p99 ms | CPU µs each | errors |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
