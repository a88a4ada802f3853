import {createHash} from 'node:crypto';
import type {RequestInput} from '../delivery.ts';

/*
Hashes (SHA-256, hexadecimal) that stand for requests and callers. Every part goes in with its length before it, so that no two
lists of parts are the same bytes, and each kind of hash has a name of its own in front.
*/

/** Equal for requests that ask for the same. */
export function fingerprintOf({
  eventType,
  method,
  path,
  query,
  body,
}: Pick<RequestInput, 'eventType' | 'method' | 'path' | 'query' | 'body'>): string {
  // Events of other types have no path or query of their own. One of HTTP is as it was before they counted.
  return eventType === 'http' ? hashOf('request', method, path, query, body) : hashOf('event', eventType, body);
}

/**
Where an idempotency key counts.

@param caller its subject; undefined where callers are not told apart
*/
export function scopeOf(functionName: string, caller: string | undefined, key: string): string {
  return caller === undefined ? hashOf('key of anybody', functionName, key) : hashOf('key of a caller', functionName, caller, key);
}

/** Stands for a caller in what is kept; only the same one may ask for the work. */
export const ownerOf = (subject: string): string => hashOf('owner', subject);

function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex');
}
