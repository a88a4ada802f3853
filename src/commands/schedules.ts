import {cron} from '../../triggers/cron/index.ts';
import {table, viewOf} from '../../triggers/cron/view.ts';
import {systemClock} from '../clock.ts';
import {exit} from '../exit.ts';
import {parseSettings} from '../settings/setting.ts';
import {json} from './arguments.ts';
import {command} from './command.ts';
import {complain, print, printJson} from './terminal.ts';

/** `core-runtime schedules`: when each schedule of the settings fires next. */
export const schedules = command({
  summary: 'Prints the next five occurrences of each schedule.',
  options: {json},
  examples: {schedules: 'Print them in the time zone of the schedule, and in UTC.'},
  async run({json: isJson}, env) {
    const views = parseSettings(cron.settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));
    for (const view of views) isJson ? printJson(view) : print(...table(view).split('\n'));
    if (views.length === 0) complain('CORE_SCHEDULES names no schedule');
    return exit.done;
  },
});
