/* Numbers and times as people read them. Each function takes the unit that its name says. */

const thin = '\u202f';
const none = '–';

/** @param {number | undefined} value */
export function count(value) {
  if (value === undefined || !Number.isFinite(value)) return none;
  const whole = Math.abs(value) >= 100 || Number.isInteger(value);
  return value.toLocaleString('en', {maximumFractionDigits: whole ? 0 : Math.abs(value) >= 10 ? 1 : 2}).replaceAll(',', thin);
}

/** @param {number | undefined} ms */
export function duration(ms) {
  if (ms === undefined || ms === null || !Number.isFinite(ms)) return none;
  if (ms === 0) return '0 ms';
  if (ms < 0.1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return long(ms);
}

/**
 * A span of minutes, hours or days in its two largest units.
 *
 * @param {number} ms
 */
export function long(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** @param {number | undefined} value */
export function bytes(value) {
  if (value === undefined || value === null || !Number.isFinite(value)) return none;
  if (value < 1024) return `${value} B`;
  const unit = Math.min(4, Math.floor(Math.log2(value) / 10));
  const size = value / 1024 ** unit;
  return `${size.toFixed(size < 10 ? 1 : 0)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

/** The time of day. @param {number | string | undefined} at */
export function clock(at) {
  if (at === undefined) return none;
  const date = new Date(at);
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * Date and time of day in the reader's zone.
 *
 * @param {number | string | undefined} at
 */
export function moment(at) {
  if (at === undefined) return none;
  const date = new Date(at);
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at)}`;
}

/**
 * Date and time of day in another zone, which is named.
 *
 * @param {number | string} at
 * @param {string} timezone of the IANA database
 */
export const momentIn = (at, timezone) => `${new Date(at).toLocaleString('sv', {timeZone: timezone})} ${timezone}`;

/**
 * How far a time is from another: `in 5 min 10 s`, `2 h 3 min ago`.
 *
 * @param {number} at
 * @param {number} now
 */
export const distance = (at, now) => (at >= now ? `in ${long(at - now)}` : `${long(now - at)} ago`);

/** The end of an id: its start is the time, which neighbours share. @param {string} id */
export const shortId = id => id.slice(-7);

/** @param {number} amount @param {string} one @param {string} [many] */
export const plural = (amount, one, many = `${one}s`) => `${count(amount)} ${amount === 1 ? one : many}`;
