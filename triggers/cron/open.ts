import {isoStamp} from '../../src/clock.ts';
import {ConfigurationError} from '../../src/errors.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {calendarOf} from './calendar.ts';
import {isoOccurrence} from './occurrence.ts';
import {Runner} from './runner.ts';
import type {Schedule} from './schedule.ts';
import {type Schedules, unknownSchedule} from './schedules.ts';
import {viewOf} from './view.ts';

/** Fires schedules until it is closed. @throws ConfigurationError when one is to be handed on to work that cannot keep it */
export function openSchedules(schedules: readonly Schedule[], house: ClaimingHouse): Schedules {
  requireWork(schedules, house);
  const runners = new Map(
    schedules.map(schedule => [schedule.name, new Runner(schedule, calendarOf(schedule.cron, schedule.timezone), house)]),
  );
  return {
    list: () =>
      Promise.all(
        schedules.map(async schedule => {
          const runner = runners.get(schedule.name);
          const {isPaused = false, since} = (await runner?.pause.read()) ?? {};
          const handedOn = await runner?.handOn?.newest();
          const pausedAt = isPaused && since !== undefined ? {pausedAt: isoStamp(since)} : {};
          return {...viewOf(schedule, house.clock.now()), paused: isPaused, ...pausedAt, ...(handedOn && {handedOn})};
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

/** @throws ConfigurationError */
function requireWork(schedules: readonly Schedule[], {hall}: ClaimingHouse): void {
  const problem = !hall
    ? 'expected CORE_WORK=on, as its `delivery` is work'
    : hall.durability === 'buffered'
      ? 'expected a journal that outlives the core, such as CORE_JOURNAL=sqlite:<path>, as its `delivery` is work, which would be lost in memory'
      : undefined;
  if (problem === undefined) return;
  const handedOn = schedules.filter(({delivery}) => delivery === 'work');
  if (handedOn.length > 0) throw new ConfigurationError(handedOn.map(({name}) => `CORE_SCHEDULES: schedule \`${name}\`: ${problem}`));
}
