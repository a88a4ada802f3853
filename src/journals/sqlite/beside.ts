import {statSync} from 'node:fs';
import {Worker} from 'node:worker_threads';
import {systemClock} from '../../clock.ts';
import type {Tell, Verdict} from '../engine.ts';
import type {Job, Said} from './beside-entry.ts';

/*
What would block this thread for long is done in a thread beside it, so that this one can show how far it is, and hear
signals. An error of the work loses its class.
*/

/** How often a backup looks how large its file is. */
const lookMs = 200;

/** @throws Error that says why the journal cannot be checked */
export const verifyBeside = (file: string, tell?: Tell): Promise<Verdict> => doBeside<Verdict>({do: 'verify', file}, tell);

/** @throws Error that says why the journal cannot be copied */
export async function backUpBeside(file: string, target: string, tell: Tell = () => {}): Promise<void> {
  const over = new AbortController();
  void watch(over.signal);
  try {
    await doBeside<undefined>({do: 'back-up', file, target});
  } finally {
    over.abort();
  }

  async function watch(signal: AbortSignal): Promise<void> {
    while (await systemClock.sleep(lookMs, signal)) tell(sizeOf(target), sizeOf(file));
  }
}

const sizeOf = (file: string): number => statSync(file, {throwIfNoEntry: false})?.size ?? 0;

function doBeside<T>(job: Job, tell: Tell = () => {}): Promise<T> {
  const worker = new Worker(new URL('./beside-entry.ts', import.meta.url), {name: job.do, execArgv: [], workerData: job});
  const {promise, resolve, reject} = Promise.withResolvers<T>();
  worker.on('message', (said: Said) => {
    if ('done' in said) tell(said.done, said.total);
    else if ('error' in said) reject(new Error(said.error));
    else resolve(said.result as T); // each job has a result of its own
  });
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('its thread ended before it was done')));
  return promise;
}
