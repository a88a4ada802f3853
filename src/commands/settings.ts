import {triggers} from '../../triggers/index.ts';
import {ConfigurationError} from '../errors.ts';
import {joinSettings} from '../settings/config.ts';
import {checkNames} from '../settings/environment.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {complain} from './terminal.ts';

/** True when every setting can be read; else says which cannot, and sets the exit code: the same from every command. */
export function settingsAreGood(env: Environment): boolean {
  try {
    const table = joinSettings(triggers);
    parseSettings(table, env);
    checkNames(table, env);
    return true;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) complain(problem);
    process.exitCode = exit.misconfigured;
    return false;
  }
}
