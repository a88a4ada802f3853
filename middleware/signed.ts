import {verify as checkSigned, constants, type KeyObject} from 'node:crypto';

/** How tokens may be signed. None of these takes a secret, so a public key can never be mistaken for one. */
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384';

/** A key and the one algorithm that it verifies: the key decides, never the token. */
export interface VerifyingKey {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

/** RFC 7518 §3.3 to §3.5. */
const schemes = {
  RS256: {digest: 'sha256', options: {padding: constants.RSA_PKCS1_PADDING}},
  PS256: {digest: 'sha256', options: {padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST}},
  ES256: {digest: 'sha256', options: {dsaEncoding: 'ieee-p1363'}},
  ES384: {digest: 'sha384', options: {dsaEncoding: 'ieee-p1363'}},
} as const;

/**
Checks on another thread whether this key signed the token, so that a flood of forged tokens takes little time from callers
whose tokens are known. This check can only refuse; the library decides whom to let in.
*/
export function isSigned(token: string, {key, algorithm}: VerifyingKey): Promise<boolean> {
  const {digest, options} = schemes[algorithm];
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  return new Promise(resolve => {
    checkSigned(digest, Buffer.from(token.slice(0, end)), {key, ...options}, signature, (error, isValid) => resolve(!error && isValid));
  });
}
