import {parseArgs} from 'node:util';
import {cron} from '../../triggers/cron/index.ts';
import {table, viewOf} from '../../triggers/cron/view.ts';
import {systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {complain, print, printJson} from './terminal.ts';

/** Prints the next occurrences of each schedule of the settings: for people, or as JSON lines. Exit code 78 when one is bad. */
export async function schedules(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({args, options: {json: {type: 'boolean'}}});
  try {
    const views = parseSettings(cron.settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));
    for (const view of views) values.json ? printJson(view) : print(...table(view).split('\n'));
    if (views.length === 0) complain('CORE_SCHEDULES names no schedule');
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) complain(problem);
    process.exitCode = exit.misconfigured;
  }
}
