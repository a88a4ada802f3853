import {columns} from '../../src/command/columns.ts';
import {calendarOf, upcoming} from './calendar.ts';
import {isoOccurrence} from './occurrence.ts';
import {catchUpText, jitterText, type Schedule} from './schedule.ts';
import type {ScheduleView} from './schedules.ts';
import {Zone} from './zone.ts';

const cells = columns();
/** How many occurrences to come are shown. */
const shown = 5;

/** A schedule as people and machines are shown it. */
export function viewOf(schedule: Schedule, now: number): ScheduleView {
  const {name, cron, timezone, catchUp, overlap, jitterMs, delivery} = schedule;
  const next = upcoming(calendarOf(cron, timezone), now, shown).map(isoOccurrence);
  return {name, cron, timezone, catchUp: catchUpText(catchUp), overlap, jitter: jitterText(jitterMs), delivery, next};
}

/** A view as text for people: what clocks in the schedule's zone will show, and the same in UTC. */
export function table(view: Omit<ScheduleView, 'delivery'> & {readonly delivery?: string; readonly function?: string}): string {
  const {name, cron, timezone, catchUp, overlap, jitter, delivery, next, handedOn, ...of} = view;
  const zone = new Zone(timezone);
  const head = cells(
    ...(of.function === undefined ? [] : [of.function]),
    name,
    cron,
    timezone,
    `catchUp ${catchUp}, overlap ${overlap}, jitter ${jitter}${delivery === 'work' ? ', delivery work' : ''}`,
  );
  const given = handedOn && `  handed on ${handedOn.occurrence} as invocation ${handedOn.invocationId}: ${handedOn.status}`;
  const times = next.map(time => `  ${cells(localTime(zone, Date.parse(time)), time)}`);
  return [head, ...times, ...(given === undefined ? [] : [given]), ''].join('\n');
}

function localTime(zone: Zone, instant: number): string {
  const minutes = Math.round(zone.offsetAt(instant) / 60_000);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map(part => String(part).padStart(2, '0'));
  return `${isoOccurrence(zone.wallOf(instant)).replace('T', ' ').replace('Z', '')} ${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}
