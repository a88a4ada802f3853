import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {openSync, readdirSync, readFileSync} from 'node:fs';
import http from 'node:http';
import {cpus} from 'node:os';
import {parseArgs} from 'node:util';
import {freePort} from '../src/workers/port.ts';

/*
What a gateway does when its function dies, floods or is overloaded, or it is itself reloaded or stopped under load.

    node bench/torture.ts [seconds for each phase, by default 10]
    node bench/torture.ts 10 --only TERM
    node bench/torture.ts 10 --command "other-gateway --port 8080" --url http://127.0.0.1:8080/

The other gateway serves bench/functions/torture.cjs, or something that does the same, on the port of the URL, which it is
told as PORT. The command is the gateway itself, no shell or init around it; whoever is not `sh` among its children counts
as its function. Hung, lost, orphans and zombies must be 0; descriptors may differ by 5. A gateway that died in a phase says
so: who came later was refused.
*/

const {positionals, values} = parseArgs({
  allowPositionals: true,
  options: {command: {type: 'string'}, url: {type: 'string'}, only: {type: 'string'}},
});
const seconds = Number(positionals[0] ?? 10);
const hungMs = 30_000;
const sampleMs = 250;
const restMs = 6000; // idle connections of the hop close after 4 s

interface Phase {
  readonly name: string;
  readonly perSecond: number;
  readonly path: string;
  readonly env?: Record<string, string>;
  readonly everyMs?: number;
  /** Done again and again while the load goes on. */
  act?(gateway: Gateway): Promise<unknown> | undefined;
  readonly first?: string;
}

const phases: Phase[] = [
  {name: 'kill the child every second', perSecond: 200, path: '?ms=5', everyMs: 1000, act: async gateway => gateway.killFunction()},
  {name: '10× overload', perSecond: 1000, path: '?ms=100', env: {CORE_CONCURRENCY: '10', CORE_QUEUE: '100'}},
  {name: 'reload every 2 s', perSecond: 200, path: '?ms=5', everyMs: 2000, act: async gateway => void gateway.process.kill('SIGHUP')},
  {name: 'TERM every 5 s, started anew', perSecond: 200, path: '?ms=50', everyMs: 5000, act: gateway => gateway.restart()},
  {name: 'log flood', perSecond: 200, path: '?ms=5', first: '?flood'},
];

/** Answers by class, and what is none. */
type Tally = Map<string, number>;

const count = (tally: Tally, name: string) => tally.set(name, (tally.get(name) ?? 0) + 1);
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** The gateway under test, and everything that ever was below it. */
class Gateway {
  process!: ChildProcess; // start() comes first
  #ended!: Promise<unknown>;
  readonly #port: Promise<number>;
  url = '';
  readonly seen = new Set<number>();
  peakBytes = 0;
  /** Of its own processes that ended, those which it has not reaped for two samples. */
  zombies = 0;
  #before = new Set<number>();
  readonly #env: Record<string, string>;

  constructor(env: Record<string, string>) {
    this.#env = env;
    this.#port = values.url === undefined ? freePort('127.0.0.1') : Promise.resolve(Number(new URL(values.url).port) || 80);
  }

  get isDead(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async start(): Promise<void> {
    const port = await this.#port;
    this.url = values.url ?? `http://127.0.0.1:${port}/`;
    const [file = '', ...args] = values.command?.split(' ') ?? [process.execPath, new URL('../src/main.ts', import.meta.url).pathname];
    const env = {
      ...process.env,
      PORT: String(port),
      CORE_ADMIN_PORT: '0',
      SCW_UPSTREAM_PORT: '0',
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: new URL('functions/torture.cjs', import.meta.url).pathname,
      ...this.#env,
    };
    this.process = spawn(file, args, {env, stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit']});
    this.#ended = once(this.process, 'exit');
    for (let tries = 0; (await request(this.url)) !== '2xx'; tries++) {
      if (tries === 600 || this.isDead) throw new Error(`The gateway does not answer at ${this.url}`);
      await pause(50);
    }
  }

  sample(): void {
    const pid = this.process.pid ?? 0;
    const tree = descendants(pid);
    for (const each of tree) this.seen.add(each);
    const dead = new Set(tree.filter(each => statOf(each)?.state === 'Z' && statOf(each)?.parent === pid));
    this.zombies = Math.max(this.zombies, [...dead].filter(each => this.#before.has(each)).length);
    this.#before = dead;
    this.peakBytes = Math.max(this.peakBytes, Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024);
  }

  killFunction(): void {
    const pid = this.process.pid ?? 0;
    for (const child of descendants(pid)) {
      if (statOf(child)?.parent === pid && !/^(\/bin\/)?sh\0/.test(read(`/proc/${child}/cmdline`))) kill(child);
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.sample();
    this.process.kill('SIGTERM');
    const stopTimer = setTimeout(() => this.process.kill('SIGKILL'), hungMs);
    await this.#ended;
    clearTimeout(stopTimer);
  }

  /** Not a number when it is gone. */
  get descriptors(): number {
    try {
      return readdirSync(`/proc/${this.process.pid}/fd`).length;
    } catch {
      return Number.NaN;
    }
  }
}

async function torture({name, perSecond, path, env = {}, everyMs, act, first}: Phase): Promise<string> {
  const gateway = new Gateway(env);
  const tally: Tally = new Map();
  let slowestMs = 0;
  const open = new Set<Promise<unknown>>();
  await gateway.start();
  await request(`${gateway.url}${path}`);
  if (first) await request(`${gateway.url}${first}`);
  const before = gateway.descriptors;
  const sampler = setInterval(() => gateway.sample(), sampleMs);
  let isOver = false;
  const acting = (async () => {
    while (act && !isOver) {
      await pause(everyMs ?? 1000);
      if (!isOver) await act(gateway);
    }
  })();
  const started = performance.now();
  for (let sent = 0; performance.now() - started < seconds * 1000; ) {
    for (const due = ((performance.now() - started) / 1000) * perSecond; sent < due; sent++) {
      const since = performance.now();
      const answered = request(`${gateway.url}${path}`).then(outcome => {
        count(tally, outcome);
        slowestMs = Math.max(slowestMs, performance.now() - since);
      });
      open.add(answered);
      void answered.then(() => open.delete(answered));
    }
    await pause(2);
  }
  isOver = true;
  await acting;
  await Promise.all(open);
  await pause(restMs);
  const growth = gateway.descriptors - before;
  const died = gateway.isDead;
  clearInterval(sampler);
  await gateway.stop();
  await pause(500);
  const left = [...gateway.seen].filter(pid => !['Z', 'X', undefined].includes(statOf(pid)?.state));
  for (const pid of left) kill(pid);
  const total = [...tally.values()].reduce((sum, each) => sum + each, 0);
  const of = (outcome: string) => tally.get(outcome) ?? 0;
  const cells = [
    name,
    total - of('refused'),
    ...['2xx', '502', '503', '504', 'other'].map(of),
    of('refused'),
    of('hung'),
    of('lost'),
    `${Math.round(slowestMs)} ms`,
    left.length,
    gateway.zombies,
    `${Math.round(gateway.peakBytes / 2 ** 20)} MiB`,
    died ? 'died' : `${growth > 0 ? '+' : ''}${growth}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The class of the answer; refused: nobody listens; lost: the connection ended without one; hung: none came for 30 s. */
function request(url: string): Promise<string> {
  return new Promise(resolve => {
    const sent = http.get(url, {agent: false}, response => {
      response.once('error', () => resolve('lost'));
      response.once('end', () => {
        clearTimeout(timer);
        const {statusCode: status = 0} = response;
        resolve(status < 300 ? '2xx' : [502, 503, 504].includes(status) ? String(status) : 'other');
      });
      response.resume();
    });
    const timer = setTimeout(() => {
      resolve('hung');
      sent.destroy();
    }, hungMs);
    sent.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'lost');
    });
  });
}

function descendants(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => ({pid: Number(name), parent: statOf(Number(name))?.parent}));
  const below = new Set([root]);
  for (let size = 0; size < below.size; ) {
    size = below.size;
    for (const {pid, parent} of parents) if (parent !== undefined && below.has(parent)) below.add(pid);
  }
  below.delete(root);
  return [...below];
}

function statOf(pid: number): {state: string | undefined; parent: number} | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {state, parent: Number(parent)};
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

console.log(`${seconds} s a phase · ${cpus()[0]?.model} × ${cpus().length} · Node ${process.version}\n`);
const heads = [
  'phase',
  'accepted',
  '2xx',
  '502',
  '503',
  '504',
  'other',
  'refused',
  'hung',
  'lost',
  'slowest',
  'orphans',
  'zombies',
  'peak',
  'fds',
];
console.log(`| ${heads.join(' | ')} |\n|${' --- |'.repeat(heads.length)}`);
for (const phase of phases.filter(({name}) => name.includes(values.only ?? ''))) console.log(await torture(phase));
