import {enableCompileCache} from 'node:module';
import {parentPort, workerData} from 'node:worker_threads';
import type {Verdict} from '../engine.ts';

/** What is done in this thread. */
export type Job = {readonly do: 'verify'; readonly file: string} | {readonly do: 'back-up'; readonly file: string; readonly target: string};

/** What the thread says: how far it is, then how it ended. */
export type Said = {readonly done: number; readonly total: number} | {readonly error: string} | {readonly result: Verdict | undefined};

const say = (said: Said) => parentPort?.postMessage(said);

enableCompileCache();
try {
  say({result: await work(workerData as Job)}); // doBeside gave it
} catch (error) {
  say({error: error instanceof Error ? error.message : String(error)});
}

async function work(job: Job): Promise<Verdict | undefined> {
  if (job.do === 'verify') {
    const {verifySqlite} = await import('./verify.ts');
    return verifySqlite(job.file, (done, total) => say({done, total}));
  }
  const {backUpSqlite} = await import('./backup.ts');
  backUpSqlite(job.file, job.target);
  return undefined;
}
