import {cpus, loadavg} from 'node:os';
import {parseArgs} from 'node:util';
import {type Figures, markdownTable, median, paired, type Spread, shown, spreadOf} from './figures.ts';
import {chooseGenerator, type Load, type Measured, measure} from './load.ts';
import {type PeerName, Peers} from './peers.ts';
import {type FunctionName, type Server, start} from './servers.ts';

/** What one program found. */
export interface Report {
  readonly title: string;
  /** What was measured and how to read it. */
  readonly about: string;
  /** Markdown. */
  readonly tables: string;
  readonly figures: Figures;
}

/** What a program is given. */
export interface Bench {
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  readonly peers: Peers;
  /** What alone is asked for, where a program has several things to measure; undefined or none for all. */
  readonly only?: readonly string[];
}

export interface Question {
  readonly rounds: number;
  readonly seconds: number;
  answer(bench: Bench): Promise<Report>;
}

/** Of one contender, round by round. */
export type Runs = readonly Measured[];

export const ratesOf = (runs: Runs = []) => runs.map(each => each.requestsPerSecond);
export const p50sOf = (runs: Runs = []) => runs.map(each => each.p50Us);
export const cpuOf = (runs: Runs = []) => runs.map(each => each.cpuUs);

/** A load that is put on a server, or anything else that is measured. */
export type Raced = Load | (() => Promise<Measured>);

/** Runs the contenders in turn, A B A B, after a run of each that does not count: it warms up. */
export async function race<Name extends string>(contenders: ReadonlyMap<Name, Raced>, rounds: number): Promise<Map<Name, Measured[]>> {
  const results = new Map([...contenders.keys()].map((name): [Name, Measured[]] => [name, []]));
  const run = (contender: Raced) => (typeof contender === 'function' ? contender() : measure(contender));
  for (const contender of contenders.values()) await run(contender);
  for (let round = 0; round < rounds; round++) {
    for (const [name, contender] of contenders) results.get(name)?.push(await run(contender));
  }
  return results;
}

/** Each contender's rates, its ratio to one of them, latencies and CPU time. */
export function raceTable<Name extends string>(results: ReadonlyMap<Name, Runs>, base: Name): string {
  const head = ['what', 'requests/s (min–max)', `ratio to ${base}`, 'p50 ms', 'p99 ms', 'CPU µs each', 'CPU ratio', 'errors'];
  const rows = [...results].map(([name, runs]) => [
    name,
    shown(spreadOf(ratesOf(runs))),
    shown(paired(ratesOf(runs), ratesOf(results.get(base)))),
    (median(p50sOf(runs)) / 1000).toFixed(3),
    (median(runs.map(each => each.p99Us)) / 1000).toFixed(2),
    shownOrDash(median(cpuOf(runs)), 1),
    shownOrDash(paired(cpuOf(runs), cpuOf(results.get(base))).median, 2),
    String(runs.reduce((sum, each) => sum + each.errors, 0)),
  ]);
  return markdownTable(head, rows);
}

export const shownOrDash = (value: number, digits: number) => (Number.isNaN(value) ? '–' : value.toFixed(digits));

/** The named runs' figures against the others', or nothing where one of the two was not measured. */
export function ratio(these: Runs | undefined, those: Runs | undefined, of: (runs: Runs) => number[] = ratesOf): Spread | undefined {
  return these?.length && those?.length ? paired(of(these), of(those)) : undefined;
}

/** Without what was not measured. */
export function known(figures: {readonly [Name in keyof Figures]: Spread | undefined}): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, spread]) => spread && !Number.isNaN(spread.median))) as Figures; // names stay
}

/** Starts those of the peers that can be had, by their names. */
export async function startPeers(peers: Peers, names: readonly PeerName[], serve: FunctionName, stack: AsyncDisposableStack) {
  const started = new Map<PeerName, {title: string; server: Server}>();
  for (const name of names) {
    const peer = await peers.find(name);
    if (!peer) continue;
    const {before, program} = await peer.prepare(serve, stack);
    const first = before && (await start(before, stack));
    const server = await start(program, stack);
    started.set(name, {title: peer.title, server: {...server, pids: [...server.pids, ...(first?.pids ?? [])]}});
  }
  return started;
}

export const machine = () => `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}`;

/** How busy the machine was with other things before a bench: running processes, averaged over a minute. */
export function loadBefore(): string {
  const [average = 0] = loadavg();
  const busy = average > cpus().length / 4 ? ', **the machine was busy**: trust CPU times more than rates, and neither much' : '';
  return `load average before ${average.toFixed(2)}${busy}`;
}

/** `5 rounds of 2 s`; a program that measures no rate has no seconds. */
export const roundsOf = ({rounds, seconds}: {rounds: number; seconds: number}) =>
  `${rounds} round${rounds === 1 ? '' : 's'}${seconds > 0 ? ` of ${seconds} s` : ''}`;

/** The program on its own: `node bench/<program>.ts [rounds] [seconds] [what alone …] [--json]`. */
export async function runAlone({rounds, seconds, answer}: Question): Promise<void> {
  const {positionals, values} = parseArgs({allowPositionals: true, options: {json: {type: 'boolean'}}});
  await using stack = new AsyncDisposableStack();
  const peers = new Peers(stack);
  const generator = await chooseGenerator(() => peers.install('autocannon@8'));
  const bench = {rounds: Number(positionals[0] ?? rounds), seconds: Number(positionals[1] ?? seconds), peers, only: positionals.slice(2)};
  const busy = loadBefore();
  const report = await answer(bench);
  const missing = [...peers.missing.values()];
  if (values.json) {
    console.log(JSON.stringify({machine: machine(), generator, busy, ...bench, peers: undefined, ...report, missing}));
    return;
  }
  console.log(`${machine()}, ${generator}, ${roundsOf(bench)}, ${busy}\n`);
  console.log(`## ${report.title}\n\n${report.about}\n\n${report.tables}\n`);
  for (const line of missing) console.log(`- ${line}`);
}
