import {createPublicKey, type KeyObject} from 'node:crypto';
import type {Clock} from './clock.ts';
import type {Log} from './log.ts';

export interface KeySetOptions {
  readonly url: string;
  /** Counts when the set holds no key for a token. */
  readonly fallback: KeyObject | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keys are fetched anew after this long, and for an unknown key id at most this often. */
const freshMs = 10 * 60_000;
const betweenFetchesMs = 30_000;
/** More bytes than any key set has. */
const longestSet = 2 ** 20;

/**
RSA keys published on another machine (RFC 7517). They rotate; when the endpoint is down, the last ones count on.
The address comes from the settings, never from a token.
*/
export function openKeySet({url, fallback, clock, log}: KeySetOptions) {
  let keys = new Map<string, KeyObject>();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  return {
    /** The key for a token; 'none' when there is no usable key at all. */
    async find(keyId: string | undefined): Promise<KeyObject | undefined | 'none'> {
      const ageMs = clock.monotonic() - fetchedAt;
      const isKnown = keyId === undefined ? keys.size > 0 : keys.has(keyId);
      if (ageMs >= freshMs || (!isKnown && ageMs >= betweenFetchesMs)) {
        const refreshed = refresh();
        if (!isKnown) await refreshed; // a known key serves on while newer ones are fetched
      }
      const [only] = keys.size === 1 ? keys.values() : [];
      const key = (keyId === undefined ? only : keys.get(keyId)) ?? fallback;
      return key ?? (keys.size === 0 ? 'none' : undefined);
    },
  };

  function refresh(): Promise<void> {
    fetching ??= fetchKeys(url)
      .then(
        fetched => {
          keys = fetched;
        },
        (error: Error) => log.warn({cause: error.message}, 'The key set could not be fetched; the last keys count on'),
      )
      .finally(() => {
        fetchedAt = clock.monotonic();
        fetching = undefined;
      });
    return fetching;
  }
}

async function fetchKeys(url: string): Promise<Map<string, KeyObject>> {
  const {default: got} = await import('got');
  const tooLarge = new AbortController();
  const request = got<{keys?: unknown} | null>(url, {
    responseType: 'json',
    followRedirect: false,
    retry: {limit: 2},
    timeout: {request: 5000},
    headers: {accept: 'application/json'},
    signal: tooLarge.signal,
  });
  void request.on('downloadProgress', ({transferred}) => transferred > longestSet && tooLarge.abort());
  const {statusCode, body} = await request;
  if (statusCode !== 200) throw new TypeError(`the answer has status ${statusCode}`);
  const listed = body?.keys;
  if (!Array.isArray(listed)) throw new TypeError('the answer is not a key set: `keys` is no list');
  const keys = new Map<string, KeyObject>();
  for (const entry of listed) {
    const key = usableKey(entry);
    if (key) keys.set(typeof entry.kid === 'string' ? entry.kid : '', key);
  }
  return keys;
}

/** RSA of at least 2048 bits, for signatures with RS256; undefined for any other. */
function usableKey(jwk: import('node:crypto').webcrypto.JsonWebKey & {kid?: unknown}): KeyObject | undefined {
  if (jwk?.kty !== 'RSA' || 'd' in jwk) return undefined;
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined;
  if (jwk.alg !== undefined && jwk.alg !== 'RS256') return undefined;
  try {
    const key = createPublicKey({key: jwk, format: 'jwk'});
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : undefined;
  } catch {
    return undefined;
  }
}
