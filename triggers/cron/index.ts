import type {ClaimingHouse, TriggerPlugin} from '../../src/trigger.ts';
import {scheduleRoutes} from './routes.ts';
import {type Schedules, unknownSchedule} from './schedules.ts';
import {settings} from './settings.ts';

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

  commands: {
    settings: {schedules: async () => (await import('./commands/schedules.ts')).schedules},
    core: {fire: async () => (await import('./commands/fire.ts')).fire},
  },
} satisfies TriggerPlugin<typeof settings, ClaimingHouse, Schedules>;

/** Refuses in the words of an open trigger that lacks the schedule. */
const noSchedules: Schedules = {
  list: async () => [],
  pause: async () => undefined,
  fire: async name => unknownSchedule(name, []),
  async [Symbol.asyncDispose]() {},
};
