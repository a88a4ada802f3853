import {systemClock} from '../../../src/clock.ts';
import {json} from '../../../src/command/arguments.ts';
import {command} from '../../../src/command/command.ts';
import {complain, print, printJson} from '../../../src/command/terminal.ts';
import {exit} from '../../../src/exit.ts';
import {parseSettings} from '../../../src/settings/setting.ts';
import {settings} from '../settings.ts';
import {table, viewOf} from '../view.ts';

/** `core-runtime schedules`: when each schedule of the settings fires next. */
export const schedules = command({
  summary: 'Prints the next five occurrences of each schedule.',
  options: {json},
  examples: {
    schedules: 'Print them in the time zone of the schedule, and in UTC.',
    'schedules --json': 'Print them for a program, with the settings of each schedule.',
  },
  async run({json: isJson}, env) {
    const views = parseSettings(settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));
    for (const view of views) isJson ? printJson(view) : print(...table(view).split('\n'));
    if (views.length === 0) complain('CORE_SCHEDULES names no schedule');
    return exit.done;
  },
});
