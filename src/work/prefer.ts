import {Fault} from '../errors.ts';

/** Longest time for which a caller may wait for a reply. More is cut to this. */
const longestWaitS = 600;
/** More characters than any list of preferences has. */
const longestField = 4096;

export interface AsyncPreference {
  readonly waitMs: number;
  /** What was understood, as `Preference-Applied` repeats it. */
  readonly applied: string;
}

/**
Finds `respond-async`, and `wait` beside it, among the preferences of a request (RFC 7240). Of a preference that is given
twice, the first counts. All others, and a `wait` that stands alone, are not ours.

@param given the field; '' when it is absent
@returns undefined without `respond-async`
@throws Fault REQUEST_MALFORMED
*/
export function readAsyncPreference(given: string): AsyncPreference | undefined {
  if (given.length < 'respond-async'.length || !/respond-async/i.test(given)) return undefined;
  if (given.length > longestField) throw malformed(`Prefer must have at most ${longestField} characters`);
  const preferences = preferencesIn(given);
  const async = preferences.get('respond-async');
  if (async === undefined) return undefined;
  if (async !== '') throw malformed('Prefer: respond-async takes no value; send `Prefer: respond-async` or leave it out');
  const wait = preferences.get('wait');
  if (wait === undefined) return {waitMs: 0, applied: 'respond-async'};
  if (!/^\d{1,15}$/.test(wait)) throw malformed('Prefer: wait must be a whole number of seconds, such as `respond-async, wait=10`');
  const waitS = Math.min(Number(wait), longestWaitS);
  return {waitMs: waitS * 1000, applied: `respond-async, wait=${waitS}`};
}

/** Each preference by its name in lower case, with its value, or ''. Parameters are left out, and so is what is no preference. */
function preferencesIn(given: string): Map<string, string> {
  const found = new Map<string, string>();
  // Commas in quoted texts do not separate.
  for (const [text] of given.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^",])+/gs)) {
    const [, name = '', word = ''] =
      /^[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;"]*))?[ \t]*(?:;|$)/s.exec(text) ?? [];
    const lower = name.toLowerCase();
    if (lower !== '' && !found.has(lower)) found.set(lower, unquoted(word));
  }
  return found;
}

const unquoted = (word: string) => (word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : word);

const malformed = (message: string) => new Fault('REQUEST_MALFORMED', {message});
