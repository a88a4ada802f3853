import {createPublicKey, type KeyObject, type webcrypto} from 'node:crypto';

/** A key and the one algorithm that it verifies: the key decides, never the token. */
export interface VerifyingKey {
  readonly key: KeyObject;
  readonly algorithm: 'RS256' | 'PS256' | 'ES256' | 'ES384';
}

/** Keys by algorithm and key id, with a space between them. */
export type KeyTable = ReadonlyMap<string, VerifyingKey>;

/** More keys than any set has. Each costs time to read. */
const mostKeys = 256;

/**
Reads the usable keys of a key set, and skips the others.

@param before what was read last time: a key that is still there stays the same object
*/
export function readKeys(listed: readonly unknown[], before: KeyTable): KeyTable {
  const keys = new Map<string, VerifyingKey>();
  for (const entry of listed.slice(0, mostKeys)) {
    const jwk = entry as Jwk | null; // it may be anything: its members are checked one by one
    const usable = jwk ? usableKey(jwk) : undefined;
    if (!usable) continue;
    const name = `${usable.algorithm} ${typeof jwk?.kid === 'string' ? jwk.kid : ''}`;
    const known = before.get(name);
    keys.set(name, known?.key.equals(usable.key) ? known : usable);
  }
  return keys;
}

type Jwk = webcrypto.JsonWebKey & {kid?: unknown};

/** @see RFC 7517 §4 for the members, RFC 7518 §3.3 to §3.5 for what an algorithm asks of its key */
function usableKey(jwk: Jwk): VerifyingKey | undefined {
  const algorithm = algorithmOf(jwk);
  if (!algorithm || 'd' in jwk) return undefined;
  if (jwk.alg !== undefined && jwk.alg !== algorithm) return undefined;
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined;
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))) return undefined;
  try {
    const key = createPublicKey({key: jwk, format: 'jwk'});
    const {modulusLength} = key.asymmetricKeyDetails ?? {};
    return modulusLength !== undefined && modulusLength < 2048 ? undefined : {key, algorithm};
  } catch {
    return undefined;
  }
}

/** An RSA key is for RS256 unless it says PS256; the curve of an elliptic key leaves one algorithm. */
function algorithmOf({kty, crv, alg}: Jwk): VerifyingKey['algorithm'] | undefined {
  if (kty === 'RSA') return alg === 'PS256' ? 'PS256' : 'RS256';
  if (kty !== 'EC') return undefined;
  if (crv === 'P-256') return 'ES256';
  return crv === 'P-384' ? 'ES384' : undefined;
}
