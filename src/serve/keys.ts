import type {KeySource} from '../../middleware/auth.ts';
import {fixedKey, rsaPublicKey} from '../../middleware/keys.ts';
import type {Clock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {Config} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';

export interface KeysHouse {
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Says what is doubtful about the settings. */
  warn(doubt: string): void;
}

/**
Opens the source of the keys that verify callers. A public function needs no key, and its key is not read.

@throws ConfigurationError for a key that is not a usable RSA public key
*/
export async function openKeys({isPublic, publicKey, jwksUrl, jwksMaxAgeMs}: Config, house: KeysHouse): Promise<KeySource> {
  if (isPublic) return fixedKey(undefined);
  const fixed = publicKey === undefined ? undefined : readKey(publicKey);
  if (jwksUrl === undefined) {
    if (!fixed) house.warn('The function is private, but SCW_PUBLIC_KEY is not set: every call with a token gets 500');
    return fixedKey(fixed);
  }
  const {openKeySet} = await import('../http/key-set/key-set.ts');
  return openKeySet({url: jwksUrl, fallback: fixed, maxAgeMs: jwksMaxAgeMs, ...house});
}

/** @throws ConfigurationError without the key in it */
export function readKey(pem: string) {
  try {
    return rsaPublicKey(pem);
  } catch (error) {
    throw new ConfigurationError([`SCW_PUBLIC_KEY: ${(error as Error).message}`]); // it throws TypeError only
  }
}
