import {readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {RunningCore, Teardown} from './core.ts';
import {writtenLines} from './lines.ts';
import {below} from './process.ts';
import {type Answer, ask} from './request.ts';
import {metricIs, serve} from './supervision.ts';

export interface Told {
  readonly answer: Answer;
  readonly pid: number | undefined;
}

/** A core with a function that blocks, and a list of the calls that the function ran. */
export async function openBlocking(t: Teardown, env: Record<string, string> = {}) {
  const core = await serve(t, 'blocks.cjs', env);
  await metricIs(core, 'core_runtime_up', Number(env.CORE_WORKERS ?? 1));
  const folder = await mkdtemp(join(tmpdir(), 'blocks-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const runs = join(folder, 'runs');
  let calls = 0;
  const send = async (query: string): Promise<Told> => {
    const answer = await ask(`${core.url}/?id=${calls++}&${query}`, {headers: {'X-Runs': runs}});
    return {answer, pid: answer.status === 200 ? answer.json().pid : undefined};
  };
  const ran = () => writtenLines(runs).map(Number);
  /** Until the function runs so many calls, or has run them. */
  const running = async (count: number) => {
    for (;;) {
      try {
        if (ran().length >= count) return;
      } catch {
        // None has run yet.
      }
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  const noticed = async () => ({early: await callUntilAnswered(() => send(''))});
  return {core, send, ran, running, noticed, sent: () => calls};
}

export const spares = (outcome: string) => `core_runtime_spares_total{outcome="${outcome}"}`;
export const said = (core: RunningCore, text: RegExp) => core.logs.filter(({msg}) => text.test(msg));
/** The processes of the function that exist now. */
export function functionPids(core: RunningCore): number[] {
  try {
    return below(core.pid).filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('bridge.cjs'));
  } catch {
    return functionPids(core); // one ended meanwhile
  }
}

/** Calls until one is answered. Those before it may have come to a process that was blocked, but had not been noticed yet. */
export async function callUntilAnswered<T>(call: () => Promise<T>): Promise<Promise<T>[]> {
  const early: Promise<T>[] = [];
  let isServed = false;
  while (!isServed) {
    early.push(
      call().finally(() => {
        isServed = true;
      }),
    );
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return early;
}
