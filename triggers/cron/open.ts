import {isoStamp} from '../../src/clock.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {calendarOf} from './calendar.ts';
import {isoOccurrence} from './occurrence.ts';
import {Runner} from './runner.ts';
import type {Schedule} from './schedule.ts';
import {type Schedules, unknownSchedule} from './schedules.ts';
import {viewOf} from './view.ts';

/** Fires schedules until it is closed. */
export function openSchedules(schedules: readonly Schedule[], house: ClaimingHouse): Schedules {
  const runners = new Map(
    schedules.map(schedule => [schedule.name, new Runner(schedule, calendarOf(schedule.cron, schedule.timezone), house)]),
  );
  return {
    list: () =>
      Promise.all(
        schedules.map(async schedule => {
          const {isPaused = false, since} = (await runners.get(schedule.name)?.pause.read()) ?? {};
          const pausedAt = isPaused && since !== undefined ? {pausedAt: isoStamp(since)} : {};
          return {...viewOf(schedule, house.clock.now()), paused: isPaused, ...pausedAt};
        }),
      ),
    async pause(name, isPaused) {
      const state = await runners.get(name)?.pause.set(isPaused);
      return state && {name, paused: state.isPaused};
    },
    async fire(name, at) {
      const runner = runners.get(name);
      if (!runner) return unknownSchedule(name, [...runners.keys()]);
      if (at !== undefined && at > house.clock.now()) return {why: 'invalid', refused: `${isoOccurrence(at)} is still to come`};
      return runner.fire(at);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...runners.values()].map(runner => runner.close()));
    },
  };
}
