import {hopByHop} from '../../src/http/hop-by-hop.ts';
import {utf8FromLatin1} from '../../src/http/utf8.ts';

/** One map of an event as JSON text, in both forms that an event has. */
export interface WrittenMap {
  /** A text for each name. */
  readonly single: string;
  /** A list of all values for each name. */
  readonly multi: string;
}

/**
The header fields of an event: Title-Case names as Go writes them, values as the UTF-8 that was received. In the single
form, the values of a repeated field are joined.

@param raw name, value, name, value … as received, latin1 text of the bytes
@param credential lower-case name of the field that let the caller in; left out
*/
export function writeHeaders(raw: readonly string[], credential: string | undefined): WrittenMap {
  const values = new Map<string, string | string[]>();
  let listed: Set<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = canonicalName(raw[index] as string); // the index stays within the list
    const value = utf8FromLatin1(raw[index + 1] as string);
    if (name === 'Connection') listed = listedNames(value, listed);
    const known = values.get(name);
    if (known === undefined) values.set(name, value);
    else if (typeof known === 'string') values.set(name, [known, value]);
    else known.push(value);
  }

  const removed = credential === undefined ? undefined : canonicalName(credential);
  let single = '';
  let multi = '';
  for (const [name, value] of values) {
    if (removedAlways.has(name) || name === removed || listed?.has(name)) continue;
    const key = quotedName(name);
    const comma = single === '' ? '' : ',';
    if (typeof value === 'string') {
      const text = JSON.stringify(value);
      single += `${comma}${key}:${text}`;
      multi += `${comma}${key}:[${text}]`;
    } else {
      single += `${comma}${key}:${JSON.stringify(value.join(name === 'Cookie' ? '; ' : ', '))}`;
      multi += `${comma}${key}:${JSON.stringify(value)}`;
    }
  }
  return {single: `{${single}}`, multi: `{${multi}}`};
}

// Callers repeat the same few names, so each is worked out once. The caches are bounded, as strangers choose the names.
const mostCached = 1000;
const canonical = new Map<string, string>();
const quoted = new Map<string, string>();
const removedAlways = new Set([...hopByHop].map(canonicalName));

/** As Go's textproto.CanonicalMIMEHeaderKey: the first letter and each after a hyphen upper, the rest lower. */
export function canonicalName(name: string): string {
  let known = canonical.get(name);
  if (known === undefined) {
    known = name.toLowerCase().replaceAll(/(^|-)[a-z]/g, start => start.toUpperCase());
    if (canonical.size < mostCached) canonical.set(name, known);
  }
  return known;
}

function quotedName(name: string): string {
  let known = quoted.get(name);
  if (known === undefined) {
    known = JSON.stringify(name);
    if (quoted.size < mostCached) quoted.set(name, known);
  }
  return known;
}

function listedNames(value: string, known = new Set<string>()): Set<string> {
  for (const name of value.split(',')) known.add(canonicalName(name.trim()));
  known.delete('Host'); // it is meant for the server that answers (RFC 9110 §7.6.1)
  return known;
}

const empty: WrittenMap = {single: '{}', multi: '{}'};

/** How many keys a query has at most. */
export function keysIn(query: string): number {
  if (query === '') return 0;
  let keys = 1;
  for (let at = query.indexOf('&'); at !== -1; at = query.indexOf('&', at + 1)) keys++;
  return keys;
}

/**
The query of an event. In the single form, the last value of each key.

@param query without the question mark; `+` is a space, a malformed escape stands for itself
*/
export function writeQuery(query: string): WrittenMap {
  if (query === '') return empty;
  const values = new Map<string, string[]>();
  // URLSearchParams drops one question mark at the start: it gets one to drop, so that the caller's own is kept.
  for (const [key, value] of new URLSearchParams(`?${query}`)) {
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  let single = '';
  let multi = '';
  for (const [key, list] of values) {
    const comma = single === '' ? '' : ',';
    const name = JSON.stringify(key);
    single += `${comma}${name}:${JSON.stringify(list.at(-1))}`;
    multi += `${comma}${name}:${JSON.stringify(list)}`;
  }
  return {single: `{${single}}`, multi: `{${multi}}`};
}
