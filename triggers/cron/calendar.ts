import type {Cron} from 'croner';
import {dateOf} from '../../src/clock.ts';
import {late} from '../../src/late.ts';
import {Zone} from './zone.ts';

/** When a schedule occurs: instants in milliseconds since 1970, on whole seconds. */
export interface Calendar {
  /** The first occurrence after an instant; undefined when no occurrence is left. */
  next(after: number): number | undefined;
}

/** The first occurrences after an instant. */
export function upcoming(calendar: Calendar, after: number, most: number): number[] {
  const found: number[] = [];
  for (let next = calendar.next(after); next !== undefined && found.length < most; next = calendar.next(next)) found.push(next);
  return found;
}

/**
Reads five or six fields (seconds first) in a zone.

Where the hour is named, a wall time that clocks skip occurs at the first instant after the gap, and one that they show
twice occurs the first time. Where every hour counts, occurrences follow the time that passes: nothing is skipped in a
gap, as no time passes in it, and an hour that comes twice has its occurrences twice.

@throws TypeError or RangeError for fields that cannot be read
@throws RangeError for a zone that does not exist
*/
export function calendarOf(cron: string, timezone: string): Calendar {
  // What croner knows beyond the common syntax is left to it, but for `?`, which is the moment of reading, and `+` and `@`.
  if (/[?+@]/.test(cron)) throw new TypeError(`\`${/[?+@]/.exec(cron)?.[0]}\` is not known here`);
  const zone = new Zone(timezone);
  return everyHour(cron) ? passing(read(cron, timezone)) : named(read(cron, 'UTC'), zone);
}

function read(pattern: string, timezone: string): Cron {
  const {Cron} = late('croner') as typeof import('croner'); // a core without schedules does not load it
  return new Cron(pattern, {timezone, mode: '5-or-6-parts'});
}

/** Occurrences by the time that passes. */
function passing(cron: Cron): Calendar {
  return {next: after => cron.nextRun(dateOf(after))?.getTime()};
}

/** Occurrences by what clocks show, each wall time once. */
function named(walls: Cron, zone: Zone): Calendar {
  return {
    next(after) {
      let wall = zone.wallOf(after);
      for (;;) {
        // After the year 9999 no occurrence follows.
        const next = walls.nextRun(dateOf(wall));
        if (!next) return;
        wall = next.getTime();
        const instant = zone.firstInstantOf(wall);
        // While clocks show an hour for the second time, its wall times have all occurred.
        if (instant > after) return instant;
      }
    },
  };
}

function everyHour(cron: string): boolean {
  const fields = cron.trim().split(/\s+/);
  return /^(\*|\*\/1|0-23)$/.test(fields.at(-4) ?? '');
}
