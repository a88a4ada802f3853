import {writeFileSync} from 'node:fs';
import http from 'node:http';
import {BlockList} from 'node:net';
import {DatabaseSync} from 'node:sqlite';
import {isMainThread} from 'node:worker_threads';
import type {SqliteWork} from '../../src/journals/sqlite/work.ts';
import type {WorkChange} from '../../src/journals/sqlite/work-change.ts';

/*
Kills the core that imports this first (NODE_OPTIONS=--import) at a named step, so that a test can have it end exactly there:

    WORK_STEP='before the commit of settle' WORK_STEP_AT=3        the third time that it comes there

In a call it is the function that kills it, as the file WORK_STEP_FILE says (test/fixtures/functions/core/works.cjs). The steps of the writer are in its thread, which imports this, too. Whatever else is started with the same environment, such as
the function, is left alone. Callbacks may go to this machine.
*/

const {WORK_STEP: wanted = '', WORK_STEP_AT: at = '1', WORK_STEP_FILE: file = ''} = process.env;
const isCore = /(main|entrypoint)\.[cm]?[jt]s$/.test(process.argv[1] ?? '');
let times = 0;

/** Called at each step. */
function reach(step: string): void {
  if (step === wanted && ++times === Number(at)) process.kill(process.pid, 'SIGKILL');
}

if (isMainThread && isCore) await watchCore();
if (!isMainThread) await watchWriter();

async function watchCore(): Promise<void> {
  if (wanted === 'in a call') writeFileSync(file, `${process.pid} ${at}`);
  BlockList.prototype.check = () => false; // no address is a private one

  const {writeHead} = http.ServerResponse.prototype;
  http.ServerResponse.prototype.writeHead = function (this: http.ServerResponse, status: number, ...more: unknown[]) {
    if (status === 202) reach('before the 202');
    return Reflect.apply(writeHead, this, [status, ...more]);
  };

  const {SqliteWork} = await import('../../src/journals/sqlite/work.ts');
  for (const act of ['enqueue', 'claim', 'settle', 'retryAt'] as const) {
    const original = SqliteWork.prototype[act] as (...given: readonly unknown[]) => Promise<unknown>; // one of them
    SqliteWork.prototype[act] = async function (this: SqliteWork, ...given: readonly unknown[]) {
      reach(`before ${act}`);
      const outcome = await Reflect.apply(original, this, given);
      if (act !== 'claim' || (Array.isArray(outcome) && outcome.length > 0)) reach(`after ${act}`);
      return outcome;
    } as never; // of the same form as the original
  }

  const {Callbacks} = await import('../../src/work/callback/callbacks.ts');
  const {attempt} = Callbacks.prototype;
  Callbacks.prototype.attempt = async function (...given) {
    reach('before a callback');
    const tried = await attempt.apply(this, given);
    if (tried.kind === 'delivered') reach('after a callback');
    return tried;
  };
}

async function watchWriter(): Promise<void> {
  const {WorkTable} = await import('../../src/journals/sqlite/work-table.ts');
  const changed = new Set<WorkChange['kind']>();
  const {apply} = WorkTable.prototype;
  WorkTable.prototype.apply = function (change, now) {
    const applied = apply.call(this, change, now);
    if (!('refusal' in applied) && (change.kind !== 'claim' || applied.claimed?.length)) changed.add(change.kind);
    return applied;
  };
  const {exec} = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql !== 'COMMIT') return exec.call(this, sql);
    for (const kind of changed) reach(`before the commit of ${kind}`);
    exec.call(this, sql);
    for (const kind of changed) reach(`after the commit of ${kind}`);
    changed.clear();
  };
}
