import {Refusal} from '../../route.ts';
import {parseDuration} from '../../settings/setting.ts';
import type {DeadFilter} from './dead.ts';
import type {RedriveWish} from './redrive.ts';

const mostIds = 1000;
const mostRate = 1000;
const usualRate = 10;
const mostCanary = 1000;
const idPattern = /^[\w-]{1,100}$/;
const aDuration = 'a duration such as 15m';
const members = ['since', 'class', 'status', 'id', 'ids', 'preview', 'canary', 'rate'];

/** @param given as text: of a query, or of a body @param now wall time @throws Refusal BAD_REQUEST */
export function parseFilter(given: Readonly<Record<string, unknown>>, now: number): DeadFilter {
  const status = textOf(given, 'status', /^[1-5]\d\d$/, 'the status of a reply, such as 503');
  const since = textOf(given, 'since', /^/, aDuration);
  const agoMs = since === undefined ? undefined : parseDuration(since);
  if (since !== undefined && agoMs === undefined) throw refuse('since', aDuration);
  return {
    status: status === undefined ? undefined : Number(status),
    class: textOf(given, 'class', /^[\w-]{1,50}$/, 'a class of failures, such as timeout'),
    since: agoMs === undefined ? undefined : now - agoMs,
    id: textOf(given, 'id', idPattern, 'the begin of an id'),
  };
}

/** @throws Refusal BAD_REQUEST */
function textOf(given: Readonly<Record<string, unknown>>, name: string, pattern: RegExp, expected: string): string | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !pattern.test(text)) throw refuse(name, expected);
  return text;
}

/** @throws Refusal BAD_REQUEST */
export function parseRedrive(text: string, now: number): RedriveWish & {readonly isPreview: boolean} {
  const given = parseObject(text.trim() === '' ? '{}' : text);
  const stranger = Object.keys(given).find(name => !members.includes(name));
  // Passed over, a misspelled filter would send everything.
  if (stranger !== undefined) throw new Refusal('BAD_REQUEST', `expected only ${members.join(', ')}, got \`${stranger.slice(0, 50)}\``);
  const {ids, preview = false, canary = 0, rate = usualRate} = given;
  if (typeof preview !== 'boolean') throw refuse('preview', 'true or false');
  if (!isWhole(canary, 0, mostCanary)) throw refuse('canary', `a whole number from 0 to ${mostCanary}`);
  if (!isWhole(rate, 1, mostRate)) throw refuse('rate', `a whole number from 1 to ${mostRate}, a second`);
  return {filter: parseFilter(given, now), ids: ids === undefined ? undefined : idsOf(ids), canary, rate, isPreview: preview};
}

/** @throws Refusal BAD_REQUEST */
export const parseDrop = (text: string): readonly string[] => idsOf(parseObject(text).ids);

function idsOf(given: unknown): readonly string[] {
  if (Array.isArray(given) && given.length > 0 && given.length <= mostIds && given.every(isId)) return [...new Set<string>(given)];
  throw refuse('ids', `a list of 1 to ${mostIds} ids`);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return {...value};
  } catch {}
  throw new Refusal('BAD_REQUEST', 'expected a JSON object');
}

const isId = (value: unknown): value is string => typeof value === 'string' && idPattern.test(value);
const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
const refuse = (name: string, expected: string) => new Refusal('BAD_REQUEST', `${name}: expected ${expected}`);
