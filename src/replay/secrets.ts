import {isRedacted, redacted} from '../journals/payload.ts';
import type {Difference} from './compare.ts';
import {isList, type Json, membersOf} from './json.ts';

/*
A recorded reply may hold what was taken out of its request, when the function answers with the headers of its caller. Only
the hashes of that are known. It is never shown, and when a replay lacks it, that is not a change.
*/

export interface Secrets {
  /** Lower-case names of the request's fields that were taken out. */
  readonly names: ReadonlySet<string>;
  /** The hashes that were kept of their values. */
  readonly hashes: ReadonlySet<string>;
}

export const noSecrets: Secrets = {names: new Set(), hashes: new Set()};
export const hidden = '«redacted»';

/** Divides the headers of a recorded request into those that were kept and the secrets that were taken out. */
export function partHeaders(headers: readonly string[]): {kept: string[]; secrets: Secrets} {
  const kept: string[] = [];
  const names = new Set<string>();
  const hashes = new Set<string>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    if (!isRedacted(value)) kept.push(name, value);
    else {
      names.add(name.toLowerCase());
      hashes.add(value);
    }
  }
  return {kept, secrets: {names, hashes}};
}

/** True for a field of the reply that was taken out, and for a place of the body with the name or value of one of the request. */
export function isRedactedPlace({aspect, path, expected, actual}: Difference, secrets: Secrets): boolean {
  if (aspect === 'headers') return [expected, actual].some(values => isList(values) && values.some(isHash));
  return aspect === 'body' && [expected, actual].some(value => isSecretValue(path, value, secrets));
}

const isHash = (value: Json) => typeof value === 'string' && isRedacted(value);

/** Whether a value of a JSON body is one of the secrets. */
export function isSecretValue(path: string, value: Json | undefined, {names, hashes}: Secrets): boolean {
  if (names.size === 0) return false;
  return membersOf(path).some(member => names.has(member.toLowerCase())) || (typeof value === 'string' && hashes.has(hashOf(value)));
}

/** Headers were hashed as the latin1 text of their bytes. */
const hashOf = (value: string) => redacted(Buffer.from(value, 'utf8').toString('latin1'));

/** Finds the words of a text. */
const word = /[^\s"'`,;:<>(){}[\]\\]+/g;
/** A credential may have several words: a scheme and a token, or some cookies. */
const mostWords = 8;
const schemes = ['Bearer ', 'bearer ', 'Basic ', 'basic ', 'Token ', 'token '];
const longestText = 8192;

/**
Hides the secrets in a text. A secret that stands there whole is found by its hash. In another form it cannot be found, so
everything that looks like a token is hidden, too, unless the replay or the kept part of the request has it as well.

@param isKnown whether a word is known not to be a secret
*/
export function conceal(text: string, {hashes}: Secrets, isKnown: (word: string) => boolean): string {
  if (hashes.size === 0) return text;
  if (text.length > longestText) return `${hidden} (${text.length} characters)`;
  const words = [...text.matchAll(word)];
  let shown = '';
  let end = 0;
  for (let at = 0; at < words.length; ) {
    const count = secretWords(text, words, at, hashes) || (looksLikeToken(words[at]?.[0] ?? '', isKnown) ? 1 : 0);
    if (count > 0) {
      shown += text.slice(end, words[at]?.index) + hidden;
      end = endOf(words[at + count - 1]);
    }
    at += Math.max(1, count);
  }
  return shown + text.slice(end);
}

/** How many words, from this one on, make up a secret; 0 when they do not. */
function secretWords(text: string, words: readonly RegExpExecArray[], at: number, hashes: ReadonlySet<string>): number {
  const start = words[at]?.index;
  for (let count = Math.min(mostWords, words.length - at); count > 0; count--) {
    if (hashes.has(hashOf(text.slice(start, endOf(words[at + count - 1]))))) return count;
  }
  return schemes.some(scheme => hashes.has(hashOf(scheme + words[at]?.[0]))) ? 1 : 0;
}

const endOf = (found: RegExpExecArray | undefined) => (found ? found.index + found[0].length : 0);

/** True for a long text that is neither a word nor a media type. */
function looksLikeToken(text: string, isKnown: (word: string) => boolean): boolean {
  return text.length >= 12 && !/^([A-Za-z]*|[a-z]+\/[a-z.+-]+)$/.test(text) && !isKnown(text);
}
