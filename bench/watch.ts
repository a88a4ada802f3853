import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rename, rm, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {systemClock} from '../src/clock.ts';
import {markdownTable} from './figures.ts';

/*
How long an edit takes under `core-runtime dev`: from before the file is saved until the new code has answered, while callers
keep calling. Every second edit is saved as editors do that rename. A request that fails is counted, and the exit code is 1 then.

    node bench/watch.ts [edits, default 50] [callers, default 4]
*/

const [edits = 50, callers = 4] = process.argv.slice(2).map(Number);

const languages = {
  node: {file: 'handler.js', code: (version: number) => `exports.handle = async () => ({body: 'v${version}.'});\n`},
  python: {file: 'handler.py', code: (version: number) => `def handle(event, context):\n    return {"body": "v${version}."}\n`},
} as const;

/** An edit that is not served within this time counts as missed. */
const longestMs = 10_000;
/** Between the answer of the new code and the next edit. */
const pausesMs = [0, 20, 50, 100, 150];

const rows: string[][] = [];
let failures = 0;
for (const [language, {file, code}] of Object.entries(languages)) {
  const {tookMs, requests, failed, missed} = await measure(file, code);
  failures += failed + missed;
  const at = (share: number) => (tookMs[Math.min(tookMs.length - 1, Math.floor(share * tookMs.length))] ?? Number.NaN).toFixed(0);
  rows.push([language, at(0.5), at(0.95), at(1), String(edits), String(missed), String(requests), String(failed)]);
}
console.log(markdownTable(['language', 'p50 ms', 'p95 ms', 'longest ms', 'edits', 'missed', 'requests', 'failed'], rows));
process.exitCode = failures === 0 ? 0 : 1;

async function measure(file: string, code: (version: number) => string) {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'core-watch-'));
  stack.defer(() => rm(folder, {recursive: true}));
  const handler = path.join(folder, file);
  await writeFile(handler, code(0));
  const url = await serve(folder, stack);

  let newest = 0;
  let wake = () => {};
  let requests = 0;
  let failed = 0;
  const ending = new AbortController();
  const calling = Array.from({length: callers}, call);
  const tookMs: number[] = [];
  let missed = 0;
  for (let version = 1; version <= edits; version++) {
    const startedAt = systemClock.monotonic();
    await (version % 2 === 0 ? replace(handler, code(version)) : writeFile(handler, code(version)));
    if (await answered(version)) tookMs.push(systemClock.monotonic() - startedAt);
    else missed++;
    await systemClock.sleep(pausesMs[version % pausesMs.length] ?? 0);
  }
  ending.abort();
  await Promise.all(calling);
  return {tookMs: tookMs.sort((a, b) => a - b), requests, failed, missed};

  async function call(): Promise<void> {
    while (!ending.signal.aborted) {
      requests++;
      try {
        const response = await fetch(url);
        const [, version] = /^v(\d+)\.$/.exec(await response.text()) ?? [];
        if (response.status !== 200 || version === undefined) failed++;
        newest = Math.max(newest, Number(version ?? 0));
        wake();
      } catch {
        failed++;
      }
    }
  }

  async function answered(version: number): Promise<boolean> {
    const limit = systemClock.monotonic() + longestMs;
    while (newest < version) {
      if (systemClock.monotonic() > limit) return false;
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    return true;
  }
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text);
  await rename(`${file}.tmp`, file);
}

/** Starts `dev` on free ports. @returns where the function answers */
async function serve(folder: string, stack: AsyncDisposableStack): Promise<string> {
  const cli = path.join(import.meta.dirname, '../src/cli.ts');
  const child = spawn(process.execPath, [cli, 'dev', folder, '--port', '0', '--log-format', 'json'], {
    env: {PATH: process.env.PATH ?? '', CORE_ADMIN_PORT: '0', CORE_JOURNAL: 'memory:'},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stack.defer(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  let url: string | undefined;
  for await (const line of createInterface({input: child.stdout})) {
    const record = JSON.parse(line);
    if (record.msg !== 'Listening') continue;
    url = record.url;
    break;
  }
  child.stdout.resume();
  if (url === undefined) throw new Error('`dev` ended before it served');
  return url;
}
