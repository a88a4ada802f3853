import {parseArgs} from 'node:util';
import {ConfigurationError} from '../errors.ts';
import type {Environment} from '../settings/setting.ts';
import {askCore, NoCore} from './core-here.ts';
import {exit} from './exit.ts';
import {complain, print, printJson} from './terminal.ts';

/** Sooner than the image's HEALTHCHECK gives up. */
const waitMs = 2500;

/** Tells whether the core that runs here can take calls, as the image's HEALTHCHECK asks. Exit code 0 when it can, 1 when not. */
export async function ready(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({args, options: {json: {type: 'boolean'}}});
  try {
    const {body: state = {ready: false, phase: 'unknown'}} = await askCore(env, 'GET', '/readyz', {waitMs});
    const cause = state.cause === undefined ? '' : `: ${state.cause}`;
    values.json ? printJson(state) : print(`${state.phase}${cause}`);
    if (state.ready !== true) process.exitCode = exit.failed;
  } catch (error) {
    if (!(error instanceof NoCore) && !(error instanceof ConfigurationError)) throw error;
    complain(error.message);
    process.exitCode = error instanceof NoCore ? exit.failed : exit.misconfigured;
  }
}
