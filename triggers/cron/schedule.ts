import {ConfigurationError} from '../../src/errors.ts';
import {json, readJsonList} from '../../src/settings/json-list.ts';
import {parseDuration} from '../../src/settings/setting.ts';
import {calendarOf} from './calendar.ts';

export interface Schedule {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  /** The body of its events: JSON text. */
  readonly input: string;
  /** How many of the occurrences that nobody ran are run afterwards, the newest; 0 for none. */
  readonly catchUp: number;
  /** What happens when an occurrence comes while an earlier one still runs. */
  readonly overlap: Overlap;
  /** Each occurrence is delivered up to this much later, always by the same amount. */
  readonly jitterMs: number;
  /** Who delivers its occurrences: the schedule itself, or work, which tries one that failed again. */
  readonly delivery: ScheduleDelivery;
}

export type Overlap = (typeof overlaps)[number];

export type ScheduleDelivery = (typeof deliveries)[number];

const deliveries = ['call', 'work'] as const;
const overlaps = ['allow', 'forbid', 'replace'] as const;
const members = ['name', 'cron', 'timezone', 'input', 'catchUp', 'overlap', 'jitter', 'delivery'];
const mostSchedules = 1000;
const mostCatchUp = 1000;
const longestJitterMs = 3_600_000;

/**
Reads CORE_SCHEDULES: a JSON list, or the path of a file that holds one.

@throws ConfigurationError with every problem of every schedule
*/
export function readSchedules(text: string): readonly Schedule[] {
  const list = readJsonList(text, {setting: 'CORE_SCHEDULES', things: 'schedules', most: mostSchedules, keepsNumbers: true});
  const problems: string[] = [];
  const schedules = list.map((entry, index) => readSchedule(entry, index, problem => problems.push(problem)));
  const names = schedules.map(({name}) => name).filter(name => name !== '');
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index))) {
    problems.push(
      `expected every schedule to have a name of its own, got \`${name}\` ${names.filter(other => other === name).length} times`,
    );
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return schedules;
}

/** How a person writes the catch-up. */
export const catchUpText = (catchUp: number) => (catchUp === 0 ? 'none' : catchUp === 1 ? 'latest' : `all(${catchUp})`);

/** How a person writes the jitter. */
export function jitterText(jitterMs: number): string {
  if (jitterMs === 0) return 'none';
  const [unit, ms] = units.find(([, each]) => jitterMs % each === 0) ?? ['ms', 1];
  return `${jitterMs / ms}${unit}`;
}

const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

function readSchedule(entry: unknown, index: number, problem: (text: string) => void): Schedule {
  const given = isRecord(entry) ? entry : {};
  const name = typeof given.name === 'string' ? given.name : '';
  const who = name === '' ? `schedule ${index + 1}` : `schedule \`${name}\``;
  const refuse = (member: string, rule: string, value: unknown, why = '') =>
    problem(`${who}: expected ${member}${rule}, got ${value === undefined ? 'none' : `\`${textOf(value)}\``}${why && `: ${why}`}`);

  if (!isRecord(entry)) refuse('an object', ` with ${members.join(', ')}`, entry);
  for (const member of Object.keys(given).filter(member => !members.includes(member))) refuse('only ', members.join(', '), member);
  if (isRecord(entry) && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) {
    refuse('name', ' to be 1 to 64 letters, digits, hyphens or underscores', given.name);
  }

  const timezone = given.timezone ?? 'UTC';
  const isZone = typeof timezone === 'string' && zoneExists(timezone);
  if (!isZone) refuse('timezone', ` to be an IANA zone such as ${nearestZone(timezone)}`, timezone);
  const {cron = ''} = given;
  const cronProblem = isRecord(entry) ? problemOf(cron, isZone ? timezone : 'UTC') : undefined;
  if (cronProblem !== undefined)
    refuse('cron', ' to be five or six fields such as `*/5 * * * *` or `0 30 2 * * mon-fri`', given.cron, cronProblem);

  const catchUp = catchUpOf(given.catchUp ?? 'none');
  if (catchUp === undefined) refuse('catchUp', ` to be none, latest or all(<1 to ${mostCatchUp}>)`, given.catchUp);
  const overlap = overlaps.find(word => word === (given.overlap ?? 'allow'));
  if (overlap === undefined) refuse('overlap', ` to be one of ${overlaps.join(', ')}`, given.overlap);
  const jitterMs = typeof given.jitter === 'string' ? parseDuration(given.jitter) : given.jitter === undefined ? 0 : undefined;
  if (jitterMs === undefined || jitterMs > longestJitterMs) refuse('jitter', ' to be a duration of at most 1h, such as 30s', given.jitter);
  const delivery = deliveries.find(word => word === (given.delivery ?? 'call'));
  if (delivery === undefined) refuse('delivery', ` to be one of ${deliveries.join(', ')}`, given.delivery);

  return {
    name,
    cron: typeof cron === 'string' ? cron : '',
    timezone: isZone ? timezone : 'UTC',
    input: JSON.stringify(given.input ?? {}),
    catchUp: catchUp ?? 0,
    overlap: overlap ?? 'allow',
    jitterMs: jitterMs ?? 0,
    delivery: delivery ?? 'call',
  };
}

/** What is wrong with the fields; undefined when nothing is. */
function problemOf(cron: unknown, timezone: string): string | undefined {
  if (typeof cron !== 'string') return 'it is not a text';
  try {
    return calendarOf(cron, timezone).next(0) === undefined ? 'there is no such day' : undefined;
  } catch (error) {
    return (error as Error).message.replace('CronPattern: ', ''); // croner throws TypeError and RangeError
  }
}

function zoneExists(name: string): boolean {
  try {
    // An offset such as +02:00 is not a zone, as it has no change of the clocks.
    return !/^[+-]/.test(name) && new Intl.DateTimeFormat('en-US', {timeZone: name}) !== undefined;
  } catch {
    return false;
  }
}

/** A zone that was perhaps meant: the one whose city was given. */
function nearestZone(given: unknown): string {
  const city = textOf(given).split('/').at(-1)?.replaceAll(' ', '_').toLowerCase();
  return Intl.supportedValuesOf('timeZone').find(zone => zone.toLowerCase().endsWith(`/${city}`)) ?? 'Europe/Paris';
}

function catchUpOf(given: unknown): number | undefined {
  if (given === 'none') return 0;
  if (given === 'latest') return 1;
  const [, most] = (typeof given === 'string' && /^all\(([1-9]\d{0,3})\)$/.exec(given)) || [];
  return most !== undefined && Number(most) <= mostCatchUp ? Number(most) : undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value);
}
