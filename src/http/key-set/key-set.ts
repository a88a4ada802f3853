import type {KeyObject} from 'node:crypto';
import type {Clock} from '../../clock.ts';
import {Fault} from '../../errors.ts';
import type {Log} from '../../log.ts';
import type {Meter} from '../../meter.ts';
import type {Environment} from '../../settings/setting.ts';
import {keySetFetcher} from './fetch.ts';
import {type KeyTable, readKeys, type VerifyingKey} from './jwk.ts';

export interface KeySetOptions {
  readonly url: string;
  /** An RSA key that verifies RS256 when the set holds no key for a token. */
  readonly fallback: KeyObject | undefined;
  /** Age in milliseconds from which on keys that could not be fetched again do not count. */
  readonly maxAgeMs: number;
  /** Names the proxies. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'keySetFailed' | 'keySetAge'>;
}

/** Keys are fetched again in the background when one is asked for after this long. */
const refreshMs = 5 * 60_000;
/** When no fetch was tried for this long, a caller waits for one first, so that a withdrawn key lets nobody in after a silence. */
const freshMs = 10 * 60_000;
/** An unknown key id makes the set be fetched at most this often. After failures the pause grows up to it. */
const longestPauseMs = 30_000;
const shortestPauseMs = 1000;
/** Callers that may wait for a fetch at a time; one more is refused at once. */
const mostWaiting = 1000;

/**
Keys that another machine publishes (RFC 7517). They rotate, so they are fetched again while they are in use. When they are
older than `maxAgeMs`, they no longer count. The address comes from the settings, never from a token.
*/
export function openKeySet({url, fallback, maxAgeMs, env, clock, log, meter}: KeySetOptions) {
  const fetchListed = keySetFetcher(url, env, clock);
  const spare: VerifyingKey | undefined = fallback && {key: fallback, algorithm: 'RS256'};
  const openedAt = moment();
  let keys: KeyTable = new Map();
  let fetchedAt: Moment | undefined;
  let triedAt: Moment | undefined;
  let failures = 0;
  let fetching: Promise<void> | undefined;
  let waiting = 0;
  meter.keySetAge(() => since(fetchedAt ?? openedAt) / 1000);

  return {
    /**
    The key for a token that names this key id and algorithm; 'none' when there is no usable key at all.

    @throws Fault AUTH_BUSY when too many callers wait for the keys
    */
    async find(keyId: string | undefined, algorithm: string | undefined): Promise<VerifyingKey | undefined | 'none'> {
      const isKnown = lookUp(keyId, algorithm) !== undefined;
      if (isDue(isKnown)) fetching ??= refresh();
      if (fetching && mustWait(isKnown)) await wait(fetching);
      dropExpired();
      const key = lookUp(keyId, algorithm) ?? (algorithm === 'RS256' ? spare : undefined);
      return key ?? (keys.size === 0 && !spare ? 'none' : undefined);
    },
  };

  function isDue(isKnown: boolean): boolean {
    const isStale = since(fetchedAt) >= Math.min(refreshMs, maxAgeMs / 2);
    if (isKnown && !isStale) return false;
    if (isStale && failures === 0) return true;
    const pauseMs = failures === 0 ? longestPauseMs : Math.min(longestPauseMs, shortestPauseMs * 2 ** (failures - 1));
    return since(triedAt) >= pauseMs;
  }

  function mustWait(isKnown: boolean): boolean {
    return !isKnown || since(fetchedAt) >= maxAgeMs || since(triedAt) >= freshMs;
  }

  async function wait(fetched: Promise<void>): Promise<void> {
    if (waiting >= mostWaiting) throw new Fault('AUTH_BUSY', {retryAfterS: 5});
    waiting++;
    await fetched;
    waiting--;
  }

  /** Never rejects. */
  async function refresh(): Promise<void> {
    try {
      keys = readKeys(await fetchListed(), keys);
      fetchedAt = moment();
      if (failures > 0) log.info({keys: keys.size}, 'The key set was fetched again');
      else if (keys.size === 0) log.warn({}, 'The key set holds no usable key');
      failures = 0;
    } catch (error) {
      failures++;
      meter.keySetFailed();
      dropExpired();
      const consequence = keys.size > 0 ? 'the last keys count on' : 'it has no key that counts';
      log.warn({cause: (error as Error).message}, `The key set could not be fetched; ${consequence}`); // it throws nothing else
    }
    triedAt = moment();
    fetching = undefined;
  }

  function dropExpired(): void {
    if (keys.size === 0 || since(fetchedAt) < maxAgeMs) return;
    keys = new Map();
    log.error({maxAgeMs}, 'The keys of the key set are older than CORE_JWKS_MAX_AGE: they are not used any more');
  }

  function moment(): Moment {
    return {monotonicMs: clock.monotonic(), wallMs: clock.now()};
  }

  /** The longer time of two clocks: after a suspension the monotonic clock is behind; after a clock was set back, the wall clock is. */
  function since(at: Moment | undefined): number {
    if (!at) return Number.POSITIVE_INFINITY;
    return Math.max(clock.monotonic() - at.monotonicMs, clock.now() - at.wallMs);
  }

  /** A token without a key id takes the only key of its algorithm. */
  function lookUp(keyId: string | undefined, algorithm: string | undefined): VerifyingKey | undefined {
    if (keyId !== undefined) return keys.get(`${algorithm} ${keyId}`);
    const fitting = [...keys.values()].filter(key => key.algorithm === algorithm);
    return fitting.length === 1 ? fitting[0] : undefined;
  }
}

interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}
