import {Fault} from '../../src/errors.ts';
import {hopByHop} from '../../src/http/hop-by-hop.ts';
import {sliceMember} from './slice.ts';

/** Fields that the core sets in every answer; a handler cannot. */
const ours = new Set(['core-invocation-id', 'core-error']);

/** Fields that an answer has once, as readers would disagree about which of two counts (RFC 9110 §5.3). The last is sent. */
const singular = new Set([
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'access-control-max-age',
  'age',
  'content-disposition',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'server',
]);

/**
The handler's header fields as name, value, name, value …

@param single texts, numbers, booleans, or arrays of them for a repeated field; null is skipped
@param multi name → list of values; where both name a field, this one counts
@param json the envelope's exact text: a number is sent as it was written there
@throws Fault RESULT_INVALID that names the field
*/
export function readHeaders(single: unknown, multi: unknown, json: string): string[] {
  const fields: string[] = [];
  const multiple = entries(multi, 'multiValueHeaders', json);
  const repeated = new Set(multiple.map(([name]) => name.toLowerCase()));
  for (const [name, value] of entries(single, 'headers', json)) {
    if (!repeated.has(name.toLowerCase())) addField(fields, name, value);
  }
  for (const [name, value] of multiple) addField(fields, name, value);
  return fields;
}

/**
Adds a `Set-Cookie` for each cookie, as replies of AWS Lambda's payload format 2.0 list them; null is skipped, as in headers.

@param cookies texts, each the value of one field; null when the envelope has none
@throws Fault RESULT_INVALID
*/
export function addCookies(fields: string[], cookies: unknown): void {
  if (cookies === null) return;
  if (!Array.isArray(cookies)) throw invalid('cookies must be an array of strings');
  for (const cookie of cookies) {
    if (cookie === null) continue;
    if (typeof cookie !== 'string') throw invalid('cookies must be an array of strings');
    fields.push('Set-Cookie', textOf('cookies', cookie));
  }
}

/** The Content-Length that the function gave, in digits; undefined without one, or when it is not a length. Call `readHeaders` first. */
export function readDeclaredLength(single: unknown, multi: unknown): string | undefined {
  return lengthIn(multi) ?? lengthIn(single);
}

function lengthIn(given: unknown): string | undefined {
  let found: string | undefined;
  const fields = given as Readonly<Record<string, unknown>> | null; // an object or nothing, as readHeaders refuses anything else
  for (const name in fields) {
    if (name.length !== 14 || name.toLowerCase() !== 'content-length') continue;
    const value = fields[name];
    const text = String(Array.isArray(value) ? value.at(-1) : value);
    if (/^\d{1,15}$/.test(text)) found = text;
  }
  return found;
}

function entries(given: unknown, member: string, json: string): [string, unknown][] {
  if (given === undefined || given === null) return [];
  if (typeof given !== 'object' || Array.isArray(given)) throw invalid(`${member} must be an object`);
  const pairs = Object.entries(given);
  return pairs.some(([, value]) => hasNumber(value))
    ? Object.entries(parseKeepingNumbers(sliceMember(json, member) ?? '{}', member))
    : pairs;
}

const hasNumber = (value: unknown) => typeof value === 'number' || (Array.isArray(value) && value.some(item => typeof item === 'number'));

/** JSON.parse that keeps every number as its text, so that no digit is lost. */
function parseKeepingNumbers(json: string, member: string): object {
  // The third argument is ECMAScript's JSON.parse source text access; the compiler's library does not know it yet.
  const keep = (_key: string, value: unknown, context?: {source?: string}) => (typeof value === 'number' ? context?.source : value);
  try {
    return JSON.parse(json, keep);
  } catch {
    throw invalid(`${member} must not be nested so deeply`); // `keep` is called for every value, which needs stack for every level
  }
}

function addField(fields: string[], name: string, value: unknown): void {
  if (value === null || value === undefined) return;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw invalid(`${JSON.stringify(name.slice(0, 60))} is not a header name`);
  const lower = name.toLowerCase();
  if (lower === 'content-length' || hopByHop.has(lower) || ours.has(lower)) return;
  const given = (Array.isArray(value) ? value : [value]).filter(item => item !== null).map(item => fieldValue(name, item));
  if (singular.has(lower) && given.length > 0) {
    removeField(fields, lower);
    given.splice(0, given.length - 1);
  }
  for (const text of given) fields.push(name, text);
}

function removeField(fields: string[], lower: string): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (fields[index]?.toLowerCase() === lower) fields.splice(index, 2);
  }
}

function fieldValue(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw invalid(`header ${name} must be a string, number, boolean or an array of them`);
  }
  return textOf(`header ${name}`, String(value));
}

/** @param from what the text was given as, for the error */
function textOf(from: string, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that end or hide a header line
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) throw invalid(`${from} holds a control character`);
  // Node writes header text as latin1: the bytes of its UTF-8 go through it unchanged.
  return /[^\x20-\x7e\t]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The function's fault: it returned what HTTP cannot carry. @param what the member, the rule and the value */
export function invalid(what: string): Fault {
  return new Fault('RESULT_INVALID', {message: `The function returned a reply that HTTP cannot carry: ${what}`});
}
