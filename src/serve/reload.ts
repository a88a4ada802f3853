import {ConfigurationError} from '../errors.ts';
import type {Environment} from '../settings/setting.ts';
import {superseded} from '../workers/index.ts';
import type {Core} from './core.ts';
import {readWanted} from './wanted.ts';

/** How newer code takes over. */
export interface NewerCode {
  /**
  The whole environment, where it has changed: its variables for the function count. Settings of the core do not change until it
  is started again, nor do the variables of the core processes beside this one.
  */
  readonly env?: Environment;
  /** True: takes the place of a reload that is under way. By default it is refused then. */
  readonly supersedes?: boolean;
}

/**
Lets newer code take over, first in this process, then in the processes beside it.

@returns undefined, or why the old code goes on serving
*/
export async function reloadCore(core: Core, newer: NewerCode = {}): Promise<string | undefined> {
  const {watched, log, stop, recordCode} = core;
  if (stop.hasBegun) return 'the runtime is shutting down';
  const problem = (await reloadHere(core, newer)) ?? (await watched.siblings?.reload());
  if (problem === superseded) return problem;
  if (problem === undefined) {
    await recordCode();
    log.info({}, 'Reloaded: the new code is serving');
  } else log.error({cause: problem}, 'Not reloaded: the old code goes on serving');
  return problem;
}

async function reloadHere({workers}: Core, {env, supersedes = false}: NewerCode): Promise<string | undefined> {
  try {
    return await workers.reload({supersedes, ...(env && {environment: readWanted(env).environment})});
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.join('; ');
    throw error;
  }
}
