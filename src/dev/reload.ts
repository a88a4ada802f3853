import {statSync} from 'node:fs';
import {triggers} from '../../triggers/index.ts';
import type {Clock} from '../clock.ts';
import {CommandFailed} from '../command/failure.ts';
import type {Served} from '../serve/serve.ts';
import {joinSettings} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';
import {superseded} from '../workers/index.ts';
import type {ReloadOutcome, Reporter} from './reporter.ts';
import {environmentOf, type Wish} from './wish.ts';

type Verdict = {kind: 'reloaded'} | {kind: 'failed'; error: string} | {kind: 'missing'; file: string} | {kind: 'superseded'};

/**
Makes the function that lets the code on disk take over, with the variables of the file as it is now. A reload takes the place
of the one that is under way: only the newest code counts, and code that never finishes loading keeps nothing waiting.

@param env the environment that the command was given
@returns a function that resolves to what became of the newest reload
*/
export function reloaderOf(
  served: Pick<Served, 'reload' | 'spec'>,
  {wish, env, clock, reporter}: {wish: Wish; env: Environment; clock: Clock; reporter: Pick<Reporter, 'reloaded' | 'noted'>},
): (changed?: readonly string[]) => Promise<ReloadOutcome> {
  const pending = new Set<string>();
  let known = environmentOf(wish, env);
  let newest: Promise<ReloadOutcome> | undefined;
  // A bridge that is not ours may complete the path by rules of its own.
  const {handlerPath} = served.spec;
  const isFile = exists(handlerPath);
  return function reload(changed = []) {
    for (const file of changed) pending.add(file);
    newest = reloadNow();
    return newest;
  };

  async function reloadNow(): Promise<ReloadOutcome> {
    const startedAt = clock.monotonic();
    const verdict = await tryReload();
    if (verdict.kind === 'superseded') return newest as Promise<ReloadOutcome>; // it was set by the newer one
    const outcome = {...verdict, changed: [...pending], tookMs: clock.monotonic() - startedAt};
    pending.clear();
    reporter.reloaded(outcome);
    return outcome;
  }

  async function tryReload(): Promise<Verdict> {
    if (isFile && !exists(handlerPath)) return {kind: 'missing', file: handlerPath};
    try {
      const now = environmentOf(wish, env);
      noteSettings(now);
      const problem = await served.reload({env: now, supersedes: true});
      if (problem === superseded) return {kind: 'superseded'};
      return problem === undefined ? {kind: 'reloaded'} : {kind: 'failed', error: problem};
    } catch (error) {
      if (error instanceof CommandFailed) return {kind: 'failed', error: error.message};
      throw error;
    }
  }

  /** Settings of the core, in contrast to variables of the function, are read once. */
  function noteSettings(now: Environment): void {
    const names = Object.values(joinSettings(triggers)).map(({name}) => name);
    const changed = names.filter(name => known[name] !== now[name]);
    known = now;
    if (changed.length > 0) reporter.noted(`${changed.join(', ')} changed: that counts once dev is started again`);
  }
}

const exists = (file: string) => statSync(file, {throwIfNoEntry: false}) !== undefined;
