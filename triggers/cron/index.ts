import {readBy, type Settings, setting} from '../../src/settings/setting.ts';
import type {ClaimingHouse, TriggerPlugin} from '../../src/trigger.ts';
import {scheduleRoutes} from './routes.ts';
import {readSchedules} from './schedule.ts';
import {type Schedules, unknownSchedule} from './schedules.ts';

const settings = {
  schedules: setting(
    'CORE_SCHEDULES',
    readBy(readSchedules),
    '[]',
    'When to call the function: a JSON list, or the path of a file with one.',
    {isDocument: true},
  ),
} satisfies Settings;

/** Time itself: every occurrence of a schedule is a delivery. */
export const cron = {
  settings,

  needsJournal: ({schedules}) => schedules.length > 0,

  async open({schedules}, house) {
    if (schedules.length === 0) return noSchedules;
    const {openSchedules} = await import('./open.ts');
    return openSchedules(schedules, house);
  },

  routes: scheduleRoutes,
} satisfies TriggerPlugin<typeof settings, ClaimingHouse, Schedules>;

/** Refuses in the words of an open trigger that lacks the schedule. */
const noSchedules: Schedules = {
  list: () => [],
  fire: async name => unknownSchedule(name, []),
  async [Symbol.asyncDispose]() {},
};
