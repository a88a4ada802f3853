import {parseArgs} from 'node:util';
import {cron, viewOf} from '../../triggers/cron/index.ts';
import {isoOccurrence} from '../../triggers/cron/occurrence.ts';
import {Zone} from '../../triggers/cron/zone.ts';
import {systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import type {ScheduleView} from '../trigger.ts';
import {exit} from './exit.ts';
import {complain, print, printJson} from './terminal.ts';

/** Prints the next occurrences of each schedule of the settings: for people, or as JSON lines. Exit code 78 when one is bad. */
export async function schedules(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({args, options: {json: {type: 'boolean'}}});
  try {
    const views = parseSettings(cron.settings, env).schedules.map(schedule => viewOf(schedule, systemClock.now()));
    for (const view of views) values.json ? printJson(view) : print(...table(view).split('\n'));
    if (views.length === 0) complain('CORE_SCHEDULES names no schedule');
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) complain(problem);
    process.exitCode = exit.misconfigured;
  }
}

/** What clocks in the schedule's zone will show, and the same in UTC. */
export function table({name, cron, timezone, catchUp, overlap, jitter, next}: ScheduleView): string {
  const zone = new Zone(timezone);
  const rows = next.map(time => `  ${localTime(zone, Date.parse(time))}   ${time}`);
  return [`${name}   ${cron}   ${timezone}   catchUp ${catchUp}, overlap ${overlap}, jitter ${jitter}`, ...rows, ''].join('\n');
}

function localTime(zone: Zone, instant: number): string {
  const minutes = Math.round(zone.offsetAt(instant) / 60_000);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map(part => String(part).padStart(2, '0'));
  return `${isoOccurrence(zone.wallOf(instant)).replace('T', ' ').replace('Z', '')} ${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}
