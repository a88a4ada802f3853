import {existsSync, readFileSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {projectFile, type RunningCore, startCore, type Teardown} from './core.ts';
import {below} from './process.ts';
import {type Answer, ask} from './request.ts';

/** A core that serves one of the misbehaving functions, and ends with the test. */
export function serve(t: Teardown, name: string, env: Record<string, string> = {}): Promise<RunningCore> {
  return startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile(`test/fixtures/functions/core/${name}`), ...env}, t);
}

/** The value of a sample, its labels as the text says them; 0 when it is not there. */
export async function metric(core: RunningCore, sample: string): Promise<number> {
  const text = (await ask(`${core.adminUrl}/metrics`)).text();
  const row = text.split('\n').find(line => line.startsWith(`${sample} `));
  return row === undefined ? 0 : Number(row.slice(sample.length + 1));
}

export async function metricIs(core: RunningCore, sample: string, value: number): Promise<void> {
  while ((await metric(core, sample)) !== value) await new Promise(resolve => setTimeout(resolve, 5)); // scraping takes the core's time too
}

export const restarts = (reason: string) => `core_runtime_restarts_total{reason="${reason}"}`;

export async function readiness(core: RunningCore): Promise<{status: number; phase: string; cause?: string}> {
  const answer = await ask(`${core.adminUrl}/readyz`);
  return {status: answer.status, ...answer.json()};
}

export async function becomes(core: RunningCore, phase: string): Promise<{status: number; cause?: string}> {
  for (;;) {
    const state = await readiness(core);
    if (state.phase === phase) return state;
  }
}

/** The process of the function. */
export const pidOf = async (core: RunningCore): Promise<number> => (await ask(core.url)).json().pid;

/** A gate for `holds.cjs`: what came to it, and how to open it. */
export async function openGate(t: Teardown) {
  const folder = await mkdtemp(join(tmpdir(), 'hold-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'open');
  const exists = async (path: string) => {
    while (!existsSync(path)) await new Promise(resolve => setTimeout(resolve, 5));
  };
  return {
    headers: {'X-Gate': file},
    running: () => exists(`${file}.running`),
    done: () => exists(`${file}.done`),
    isDone: () => existsSync(`${file}.done`),
    open: () => writeFile(file, ''),
  };
}

/** A request that is given up when `leave` is called. */
export function askAndLeave(url: string, headers: Record<string, string>, body = '') {
  const request = http.request(url, {method: body === '' ? 'GET' : 'POST', headers, agent: false});
  request.on('error', () => {});
  request.end(body);
  return {leave: () => request.destroy()};
}

/** A handler file that the test writes again. */
export async function editableHandler(t: Teardown, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'reload-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'handler.cjs');
  await writeFile(file, text);
  return {env: {SCW_HANDLER_PATH: file}, write: (newer: string) => writeFile(file, newer)};
}

/** Asks again and again on so many connections until it is stopped. Collects every answer, and every failure as undefined. */
export function loadOn(url: string, connections: number) {
  let isOver = false;
  const answers: (Answer | undefined)[] = [];
  const agents = Array.from({length: connections}, () => new http.Agent({keepAlive: true, maxSockets: 1}));
  const running = agents.map(async agent => {
    while (!isOver) answers.push(await ask(url, {agent}).catch(() => undefined));
    agent.destroy();
  });
  return {
    answers,
    async stop() {
      isOver = true;
      await Promise.all(running);
      return answers;
    },
  };
}

/** The core processes beside the one that leads. */
export const siblingsOf = (core: RunningCore): number[] =>
  below(core.pid).filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/src/sibling.'));
