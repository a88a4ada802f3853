import {readSchedules} from '../../../triggers/cron/schedule.ts';
import {ConfigurationError} from '../../errors.ts';
import type {Section} from './section.ts';

/** Events of the platform that a machine of one person has no source of. */
const withoutSource = ['nats', 'sqs'];

/** The schedules among the events of a function, as the setting CORE_SCHEDULES; `{}` when there are none. */
export function readSchedulesOf(section: Section): Record<string, string> {
  const schedules = section.list('events').flatMap((event, index) => {
    event.checkKeys({used: ['schedule'], ignored: withoutSource});
    return event.has('schedule') ? readSchedule(event.section('schedule'), index) : [];
  });
  return schedules.length === 0 ? {} : {CORE_SCHEDULES: JSON.stringify(schedules)};
}

/** The name is not in the manifest: the first is `schedule`, and each other has its position behind it. */
function readSchedule(section: Section, index: number): Record<string, unknown>[] {
  section.checkKeys({used: ['rate', 'input', 'timezone'], silent: ['name', 'description']});
  const rate = section.text('rate', 'five fields such as 0 * * * *');
  if (rate === undefined) {
    section.problem('rate', 'five fields such as 0 * * * *', undefined);
    return [];
  }
  const schedule = {
    name: index === 0 ? 'schedule' : `schedule-${index + 1}`,
    cron: rate,
    ...(section.has('timezone') && {timezone: section.text('timezone', 'a zone such as Europe/Paris')}),
    ...(section.has('input') && {input: section.get('input')}),
  };
  const problem = problemOf(schedule);
  if (problem !== undefined) section.refuse(/^expected timezone/.test(problem) ? 'timezone' : 'rate', problem);
  return [schedule];
}

/** What the trigger says of a schedule; undefined when it takes it. */
function problemOf(schedule: Record<string, unknown>): string | undefined {
  try {
    readSchedules(JSON.stringify([schedule]));
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.replace(/^schedule `[^`]*`: /, '');
    throw error;
  }
}
