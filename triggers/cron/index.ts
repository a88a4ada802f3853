import {readBy, type Settings, setting} from '../../src/settings/setting.ts';
import type {FireOutcome, ScheduleView, TriggerPlugin} from '../../src/trigger.ts';
import {calendarOf, upcoming} from './calendar.ts';
import {isoOccurrence} from './occurrence.ts';
import {Runner} from './runner.ts';
import {catchUpText, jitterText, readSchedules, type Schedule} from './schedule.ts';

const settings = {
  schedules: setting(
    'CORE_SCHEDULES',
    readBy(readSchedules),
    '[]',
    'When to call the function: a JSON list, or the path of a file with one.',
    {
      isDocument: true,
    },
  ),
} satisfies Settings;

/** How many occurrences to come are shown. */
const shown = 5;

/** Time itself: every occurrence of a schedule is a delivery. */
export const cron = {
  settings,

  async open({schedules}, house) {
    const runners = new Map(
      schedules.map(schedule => [schedule.name, new Runner(schedule, calendarOf(schedule.cron, schedule.timezone), house)]),
    );
    return {
      schedules: {
        list: () => schedules.map(schedule => viewOf(schedule, house.clock.now())),
        async fire(name: string, at?: number): Promise<FireOutcome> {
          const runner = runners.get(name);
          if (!runner)
            return {why: 'unknown', refused: `there is no schedule \`${name}\`; there is ${[...runners.keys()].join(', ') || 'none'}`};
          if (at !== undefined && at > house.clock.now()) return {why: 'invalid', refused: `${isoOccurrence(at)} is still to come`};
          return runner.fire(at);
        },
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([...runners.values()].map(runner => runner.close()));
      },
    };
  },
} satisfies TriggerPlugin<typeof settings>;

/** A schedule as people and machines are shown it. */
export function viewOf(schedule: Schedule, now: number): ScheduleView {
  const {name, cron, timezone, catchUp, overlap, jitterMs} = schedule;
  const next = upcoming(calendarOf(cron, timezone), now, shown).map(isoOccurrence);
  return {name, cron, timezone, catchUp: catchUpText(catchUp), overlap, jitter: jitterText(jitterMs), next};
}
