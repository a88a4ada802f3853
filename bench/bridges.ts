import {execFile, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {eventWriter} from '../middleware/event/write.ts';
import {systemClock} from '../src/clock.ts';
import {accepts, freePort} from '../src/workers/port.ts';
import {projectFile} from '../test/helpers/core.ts';
import {type Measured, median, race} from './load.ts';

/*
Each bridge called directly, beside the usual way to serve the same protocol in its language: the same call, the same
handler. Installs the usual way into a folder of its own and removes it. Prints a table.

    node bench/bridges.ts [rounds] [seconds] [language …]
*/

const host = '127.0.0.1';
const connections = 32;
/** Of the Python bridge and of gunicorn alike. */
const threads = '4';
const payloads = {'1 KiB': 2 ** 10, '100 KiB': 100 * 2 ** 10, '1 MiB': 2 ** 20};

interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

interface Pair {
  readonly bridge: Program;
  readonly usual: Program;
  /** The least that a server in this language can do: it reads nothing of the call. */
  readonly bare?: Program;
  /** How many times the usual way's rate the bridge must reach with the smallest payload. */
  readonly must?: number;
}

const run = promisify(execFile);

/** What is raced in each language; `folder` takes what is installed or built. */
const languages: Readonly<Record<string, (folder: string) => Promise<Pair>>> = {
  async node(folder) {
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, 'express@5', 'body-parser@2']);
    const {version} = JSON.parse(await readFile(join(folder, 'node_modules/express/package.json'), 'utf8'));
    const env = {SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs'), NODE_ENV: 'production'};
    return {
      bridge: {
        name: `**bridge**, Node ${process.versions.node}`,
        command: [process.execPath, projectFile('runtimes/node/bridge.cjs')],
        env,
      },
      usual: {
        name: `Express ${version} + body-parser`,
        command: [process.execPath, projectFile('bench/peers/express.cjs')],
        env: {...env, NODE_PATH: join(folder, 'node_modules')},
      },
      bare: {name: 'node:http that reads nothing', command: [process.execPath, projectFile('bench/peers/bare.cjs')]},
      must: 3,
    };
  },

  async python(folder) {
    await run('python3', ['-m', 'venv', folder]);
    const python = join(folder, 'bin/python');
    await run(python, ['-m', 'pip', 'install', '--quiet', 'flask', 'gunicorn']);
    const script = 'import platform, importlib.metadata as m; print(platform.python_version(), m.version("gunicorn"), m.version("flask"))';
    const [version, gunicorn, flask] = (await run(python, ['-c', script])).stdout.trim().split(' ');
    const env = {SCW_HANDLER_PATH: projectFile('bench/functions/message.py'), CORE_CONCURRENCY: threads};
    return {
      bridge: {name: `**bridge**, Python ${version}, ${threads} threads`, command: [python, projectFile('runtimes/python/bridge.py')], env},
      usual: {
        name: `gunicorn ${gunicorn} + Flask ${flask}, 1 worker, ${threads} threads`,
        command: [
          join(folder, 'bin/gunicorn'),
          '--workers',
          '1',
          '--threads',
          threads,
          '--chdir',
          projectFile('bench/peers'),
          'flask_app:app',
        ],
        env,
      },
      must: 2,
    };
  },

  async go(folder) {
    await run('go', ['build', '-o', folder, './bridge', './plain'], {cwd: projectFile('bench/peers/go')});
    const version = (await run('go', ['env', 'GOVERSION'])).stdout.trim().replace('go', 'Go ');
    return {
      bridge: {name: `**library**, ${version}`, command: [join(folder, 'bridge')]},
      usual: {name: 'net/http', command: [join(folder, 'plain')]},
    };
  },
};

const rateOf = (runs: readonly Measured[] = []) => median(runs.map(each => each.requestsPerSecond));
const cpuOf = (runs: readonly Measured[] = []) => median(runs.map(each => each.cpuUs));
const p50 = (runs: readonly Measured[]) => (median(runs.map(each => each.p50Us)) / 1000).toFixed(2);

const [rounds = 3, seconds = 4] = process.argv.slice(2, 4).map(Number);
const asked = process.argv.slice(4);
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${seconds} s, ${connections} connections\n`,
);
console.log(
  '| what | payload | requests/s (min–max) | ratio | p50 ms | CPU µs each | ratio | errors |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
);
for (const [name, prepare] of Object.entries(languages)) {
  if (asked.length === 0 || asked.includes(name)) await raceLanguage(prepare);
}

async function raceLanguage(prepare: (folder: string) => Promise<Pair>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bench-bridges-'));
  stack.defer(() => rm(folder, {recursive: true}));
  const {bridge, usual, bare, must} = await prepare(folder);
  const programs = bare ? [usual, bridge, bare] : [usual, bridge];
  const servers = await Promise.all(programs.map(program => start(program, stack)));
  for (const [payload, bytes] of Object.entries(payloads)) {
    const load = {connections, seconds, method: 'POST', headers: {'Content-Type': 'application/json'}, body: sampleCall(bytes)} as const;
    const results = await race(
      programs.map(({name}, index) => ({name, load: {...load, url: '', ...servers[index]}})),
      rounds,
    );
    const base = rateOf(results.get(usual.name));
    const baseCpu = cpuOf(results.get(usual.name));
    for (const [name, runs] of results) {
      const judged = name === bridge.name && must !== undefined && payload === '1 KiB' ? ` (must: ${must})` : '';
      const errors = runs.reduce((sum, each) => sum + each.errors, 0);
      const cost = [cpuOf(runs).toFixed(1), (baseCpu / cpuOf(runs)).toFixed(2)];
      console.log(`| ${[name, payload, rates(runs), (rateOf(runs) / base).toFixed(2) + judged, p50(runs), ...cost, errors].join(' | ')} |`);
    }
  }
}

/** Starts a program, waits until it accepts, and ends it with the stack. Gives its address and process. */
async function start(
  {command: [file, ...args], env}: Program,
  stack: AsyncDisposableStack,
): Promise<{url: string; pid: number | undefined}> {
  const port = await freePort(host);
  const {PATH = '', HOME = ''} = process.env;
  const places = {SCW_UPSTREAM_PORT: String(port), GUNICORN_CMD_ARGS: `--bind ${host}:${port}`, SCW_HANDLER_NAME: 'handle'};
  const child = spawn(file, args, {env: {PATH, HOME, ...places, ...env}, stdio: 'ignore'});
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  while (!(await accepts(host, port))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with code ${child.exitCode}`);
    await systemClock.sleep(50);
  }
  return {url: `http://${host}:${port}/`, pid: child.pid};
}

/** The very text that the core sends for a POST of this many bytes. */
function sampleCall(bytes: number): string {
  const options = {
    functionName: '',
    functionVersion: '',
    memoryMb: 128,
    handlerPath: '/f',
    handlerName: 'handle',
    base64: 'exact',
  } as const;
  const headers = ['Host', 'localhost', 'Accept', '*/*', 'Content-Type', 'text/plain'];
  const body = Buffer.alloc(bytes, 'The quick brown fox jumps over the lazy dog.\n');
  const input = {eventType: 'http', method: 'POST', path: '/', query: '', headers, body, sourceIp: host};
  const {head, tail} = eventWriter(options)(input, {id: '01a2068b-f0ed-7c75-9692-646cebce9a7c', deadlineMs: 0, credential: undefined});
  return `${head}{}${tail}`;
}

function rates(runs: readonly Measured[]): string {
  const [least, most] = [Math.min, Math.max].map(pick => pick(...runs.map(each => each.requestsPerSecond)));
  const shown = [rateOf(runs), least, most].map(each => Math.round(each ?? 0).toLocaleString('en'));
  return `${shown[0]} (${shown[1]}–${shown[2]})`;
}
