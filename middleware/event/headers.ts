import {hopByHop} from '../../src/http/hop-by-hop.ts';
import {utf8FromLatin1} from '../../src/http/utf8.ts';

/** Header maps of an event as JSON text: Title-Case names as Go writes them, values as the UTF-8 that was received. */
export interface WrittenHeaders {
  readonly single: string;
  readonly multi: string;
}

/**
@param raw name, value, name, value … as received, latin1 text of the bytes
@param credential lower-case name of the field that let the caller in; left out
*/
export function writeHeaders(raw: readonly string[], credential: string | undefined): WrittenHeaders {
  const values = new Map<string, string | string[]>();
  let listed: Set<string> | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = canonicalName(raw[index] as string); // the loop stays inside
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

// Callers repeat the same few names: each is worked out once. Bounded, as strangers choose them.
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
  known.delete('Host'); // it is meant for whoever answers (RFC 9110 §7.6.1)
  return known;
}
