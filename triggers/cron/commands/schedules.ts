import {systemClock} from '../../../src/clock.ts';
import {json} from '../../../src/command/arguments.ts';
import {command} from '../../../src/command/command.ts';
import {askCore, NoCore} from '../../../src/command/core-here.ts';
import {complain, print, printJson} from '../../../src/command/terminal.ts';
import {exit} from '../../../src/exit.ts';
import {type Environment, parseSettings} from '../../../src/settings/setting.ts';
import type {ScheduleView} from '../schedules.ts';
import {settings} from '../settings.ts';
import {table, viewOf} from '../view.ts';

/** How long the core that runs here may take to list its schedules. */
const waitMs = 2000;

/** `core-runtime schedules`: when each schedule of the settings fires next, or each of the core that runs here. */
export const schedules = command({
  summary: 'Prints the next five occurrences of each schedule.',
  options: {json},
  examples: {
    schedules: 'Print those of CORE_SCHEDULES, else of the core that runs here, in their time zones and in UTC.',
    'schedules --json': 'Print them for a program, with the settings of each schedule.',
  },
  async run({json: isJson}, env) {
    const views = env.CORE_SCHEDULES === undefined ? await ofCore(env) : ofSettings(env);
    for (const view of views) isJson ? printJson(view) : print(...table(view).split('\n'));
    if (views.length === 0) complain('CORE_SCHEDULES names no schedule, and no core that runs here has one');
    return exit.done;
  },
});

const ofSettings = (env: Environment): ScheduleView[] =>
  parseSettings(settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));

/** Without settings of its own, the command means the core that runs here, if one does. */
async function ofCore(env: Environment): Promise<readonly ScheduleView[]> {
  try {
    const {status, body} = await askCore(env, 'GET', '/api/schedules', {waitMs});
    const {schedules} = (status === 200 ? body : {}) as {readonly schedules?: readonly ScheduleView[]}; // scheduleRoutes wrote it
    return schedules ?? [];
  } catch (error) {
    if (error instanceof NoCore) return [];
    throw error;
  }
}
