import {isoStamp} from '../clock.ts';
import {Fault} from '../errors.ts';
import {parseDuration} from '../settings/setting.ts';

/** Work may begin and expire at most so far ahead. */
const farthestMs = 365 * 24 * 3_600_000;

/*
The times that fields of a request give. Each function takes the name of the field for its errors, the field, which is ''
when it is absent, and the wall time now. It gives wall time in milliseconds since 1970.
*/

/** @throws Fault REQUEST_MALFORMED */
export function readDelay(name: string, given: string, now: number): number | undefined {
  const ms = readDuration(name, given);
  return ms === undefined ? undefined : now + ms;
}

/** @throws Fault REQUEST_MALFORMED, also for 0 */
export function readExpiry(name: string, given: string, now: number): number | undefined {
  const ms = readDuration(name, given);
  return ms === undefined ? undefined : now + ms;
}

function readDuration(name: string, given: string): number | undefined {
  if (given === '') return undefined;
  const ms = parseDuration(given);
  if (ms !== undefined && ms <= farthestMs) return Math.round(ms);
  throw malformed(`${name} must be a duration of at most 1 year (8760h), such as 500ms, 30s, 10m or 24h`);
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** A moment in the past counts as now. @throws Fault REQUEST_MALFORMED */
export function readMoment(name: string, given: string, now: number): number | undefined {
  if (given === '') return undefined;
  const at = momentOf(given);
  if (at === undefined) throw malformed(`${name} must be a moment as in RFC 3339, such as 2027-01-31T08:00:00Z`);
  if (at - now > farthestMs) throw malformed(`${name} must be at most 1 year ahead, such as ${isoStamp(now + 3_600_000)}`);
  return Math.max(at, now);
}

/** @returns undefined for a text that is no moment, such as 30 February. A leap second is the first of the next minute. */
function momentOf(given: string): number | undefined {
  const [, day = '', hour = '', minute = '', second = '', fraction = '0', zone = ''] = rfc3339.exec(given) ?? [];
  const isLeap = second === '60';
  const inZone = Date.parse(`${day}T${hour}:${minute}:${isLeap ? '59' : second}Z`);
  if (Number.isNaN(inZone) || Number(hour) > 23 || isoStamp(inZone).slice(0, 10) !== day) return undefined;
  const zoneMs = offsetMs(zone);
  if (zoneMs === undefined) return undefined;
  return inZone - zoneMs + (isLeap ? 1000 : Math.floor(Number(`0.${fraction}`) * 1000));
}

function offsetMs(zone: string): number | undefined {
  if (/^z$/i.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  return hours > 23 || minutes > 59 ? undefined : (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const malformed = (message: string) => new Fault('REQUEST_MALFORMED', {message});
