import {createPublicKey, type KeyObject} from 'node:crypto';
import type {KeySource} from './auth.ts';

/**
Reads an RSA public key: PEM with real newlines or literal `\n`, PKCS#1 under any label, or SPKI.

@throws TypeError that says what is wrong, without the key
*/
export function rsaPublicKey(pem: string): KeyObject {
  const [, label = '', base64 = ''] = /-----BEGIN ([^-]+)-----([\s\S]+?)-----END [^-]+-----/.exec(pem.replaceAll(/\\[rn]/g, '\n')) ?? [];
  if (!base64) throw new TypeError('expected a PEM block (-----BEGIN PUBLIC KEY----- …)');
  if (/PRIVATE/.test(label)) throw new TypeError('expected a public key, got a private one');
  const der = Buffer.from(base64, 'base64');
  const key = asKey(der, 'pkcs1') ?? asKey(der, 'spki');
  if (key?.asymmetricKeyType !== 'rsa') throw new TypeError('expected an RSA public key (PKCS#1 or SPKI)');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048) throw new TypeError(`expected an RSA key of at least 2048 bits, got ${bits}`);
  return key;
}

/** As PKCS#1, Node takes a private key for a public one; only the bytes of a public key come back the same. */
function asKey(der: Buffer, type: 'pkcs1' | 'spki'): KeyObject | undefined {
  try {
    const key = createPublicKey({key: der, format: 'der', type});
    return type === 'spki' || key.export({type, format: 'der'}).equals(der) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The one key of the settings, for RS256. Without it, the reply to every call with a token says that the setup is wrong. */
export function fixedKey(key: KeyObject | undefined): KeySource {
  const only = key ? ({key, algorithm: 'RS256'} as const) : 'none';
  return {find: async () => only};
}
