import {commandLine} from '../../../src/called-as.ts';
import {askCore, NoCore} from '../../../src/command/core-here.ts';
import {type CoreHere, type CoresHere, findCores, otherCores} from '../../../src/command/cores-here.ts';
import {CommandFailed} from '../../../src/command/failure.ts';
import {exit} from '../../../src/exit.ts';
import type {Environment} from '../../../src/settings/setting.ts';
import type {ScheduleView} from '../schedules.ts';

/** The core that is asked for a schedule. */
export interface ChosenCore {
  readonly env: Environment;
  /** Of its function; undefined when the core does not say. */
  readonly name?: string;
  readonly others: readonly CoreHere[];
}

/** How long a core may take to list its schedules. */
const waitMs = 2000;

/**
The core that runs here and has a schedule: that of the function in this folder; of several, the only one that has it.

@param env asks the place of the settings; that is the core when none was found
@throws CommandFailed when several have a schedule of that name, or none of several has
*/
export async function coreWithSchedule(schedule: string, env: Environment): Promise<ChosenCore> {
  return chooseCore(schedule, env, await findCores(env));
}

/** The same, once the cores are found. */
export async function chooseCore(schedule: string, env: Environment, {meant, others}: CoresHere): Promise<ChosenCore> {
  const [first, ...more] = meant;
  if (!first) return {env, others};
  if (more.length === 0) return {...first, others};
  const schedules = await Promise.all(meant.map(core => schedulesOf(core.env)));
  const found = meant.filter((_, at) => schedules[at]?.some(({name}) => name === schedule));
  const [only] = found;
  if (only && found.length === 1) return {...only, others: meant.filter(core => core !== only)};
  if (only) {
    const advice = `name one, as in \`CORE_ADMIN_PORT=${only.port} ${commandLine(`fire ${schedule}`)}\``;
    throw new CommandFailed(exit.failed, `several functions have a schedule \`${schedule}\`: ${namesOf(found)}; ${advice}`);
  }
  const known = meant.flatMap((core, at) => (schedules[at] ?? []).map(({name}) => `${name} of ${core.name}`));
  const there = known.length > 0 ? `there is ${known.join(', ')}` : `none of the functions that run here has one: ${namesOf(meant)}`;
  throw new CommandFailed(
    exit.failed,
    `there is no schedule \`${schedule}\`; ${there}${others.length > 0 ? `; ${otherCores(others)}` : ''}`,
  );
}

/** The schedules of a core; none when it does not answer. @param env asks it */
export async function schedulesOf(env: Environment): Promise<readonly ScheduleView[]> {
  try {
    const {status, body} = await askCore(env, 'GET', '/api/schedules', {waitMs});
    const {schedules} = (status === 200 ? body : {}) as {readonly schedules?: readonly ScheduleView[]}; // scheduleRoutes wrote it
    return schedules ?? [];
  } catch (error) {
    if (error instanceof NoCore) return [];
    throw error;
  }
}

const namesOf = (cores: readonly CoreHere[]) => cores.map(({name, port}) => `${name} (CORE_ADMIN_PORT=${port})`).join(', ');
