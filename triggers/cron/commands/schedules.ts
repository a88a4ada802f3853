import {systemClock} from '../../../src/clock.ts';
import {json} from '../../../src/command/arguments.ts';
import {command} from '../../../src/command/command.ts';
import {findCores, otherCores} from '../../../src/command/cores-here.ts';
import {complain, print, printJson} from '../../../src/command/terminal.ts';
import {exit} from '../../../src/exit.ts';
import {type Environment, parseSettings} from '../../../src/settings/setting.ts';
import type {ScheduleView} from '../schedules.ts';
import {settings} from '../settings.ts';
import {table, viewOf} from '../view.ts';
import {schedulesOf} from './which-core.ts';

/** `core-runtime schedules`: when each schedule of the settings fires next, or each of the core that runs here. */
export const schedules = command({
  summary: 'Prints the next five occurrences of each schedule.',
  options: {json},
  examples: {
    schedules: 'Print those of CORE_SCHEDULES, else of the core that runs here, in their time zones and in UTC.',
    'schedules --json': 'Print them for a program, with the settings of each schedule.',
  },
  async run({json: isJson}, env) {
    if (env.CORE_SCHEDULES !== undefined) show(ofSettings(env), isJson);
    else await showThoseOfCores(env, isJson);
    return exit.done;
  },
});

const ofSettings = (env: Environment): ScheduleView[] =>
  parseSettings(settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));

/** Without settings of its own, the command means the cores that run here: those of the functions in this folder, or all. */
async function showThoseOfCores(env: Environment, isJson: boolean): Promise<void> {
  const {meant, others} = await findCores(env);
  const cores = meant.length === 0 ? [{env, name: undefined}] : meant;
  const lists = await Promise.all(cores.map(async core => ({name: core.name, views: await schedulesOf(core.env)})));
  for (const {name, views} of lists) show(views, isJson, lists.length > 1 ? name : undefined);
  const rest = others.length === 0 ? '' : `; ${otherCores(others)}`;
  if (lists.every(({views}) => views.length === 0)) {
    const where = others.length === 0 ? 'no core that runs here has one' : `${meant.map(({name}) => name).join(', ')} has none`;
    complain(`CORE_SCHEDULES names no schedule, and ${where}${rest}`);
  }
}

/** @param name of the function, where there are several */
function show(views: readonly ScheduleView[], isJson: boolean, name?: string): void {
  const of = name === undefined ? {} : {function: name};
  for (const view of views) isJson ? printJson({...view, ...of}) : print(...table({...view, ...of}).split('\n'));
}
