import {createHmac, generateKeyPairSync, type KeyObject, sign} from 'node:crypto';
import {type Claims, type KeySource, verifier} from '../../middleware/auth.ts';
import {fixedKey} from '../../middleware/keys.ts';
import type {VerifyingKey} from '../../middleware/signed.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {ManualClock} from './clock.ts';

export const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
export const other = generateKeyPairSync('rsa', {modulusLength: 2048});
export const ec = generateKeyPairSync('ec', {namedCurve: 'P-256'});
export const clock = new ManualClock();
export const now = Math.floor(clock.now() / 1000);
export const ours: VerifyingKey = {key: publicKey, algorithm: 'RS256'};
export const claims: Claims = {
  applicationId: 'app-1',
  namespaceId: 'ns-1',
  clockToleranceMs: 0,
  requireExpiry: false,
  issuer: undefined,
  audience: undefined,
};
export const mine = {application_claim: [{namespace_id: 'ns-1', application_id: 'app-1'}]};

export const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const rs256 = (data: string, key: KeyObject = privateKey) => sign('sha256', Buffer.from(data), key).toString('base64url');

/** Signed as RS256 signs, whatever the header says. A text is taken as the JSON itself. */
export function token(payload: unknown, header: unknown = {alg: 'RS256', typ: 'JWT'}, key: KeyObject = privateKey): string {
  const data = `${encode(header)}.${encode(payload)}`;
  return `${data}.${rs256(data, key)}`;
}

export const hmac = (secret: string | Buffer, alg = 'HS256') => {
  const data = `${encode({alg, typ: 'JWT'})}.${encode(mine)}`;
  return `${data}.${createHmac(alg.replace('HS', 'sha'), secret).update(data).digest('base64url')}`;
};

export const signedBy = (alg: string, {digest, key, ...options}: {digest: string; key: KeyObject} & Record<string, unknown>) => {
  const data = `${encode({alg, typ: 'JWT'})}.${encode(mine)}`;
  return `${data}.${sign(digest, Buffer.from(data), {key, ...options}).toString('base64url')}`;
};

export const spki = String(publicKey.export({type: 'spki', format: 'pem'}));
export const pkcs1 = String(publicKey.export({type: 'pkcs1', format: 'pem'}));
export const valid = token(mine);
export const [head = '', payload = '', signature = ''] = valid.split('.');
export const withClaim = (application_claim: unknown) => token({application_claim});
export const timed = (times: object) => token({...mine, ...times});

export const verdict = async (
  given: string,
  some: Partial<Claims> = {},
  keys: KeySource = fixedKey(publicKey),
): Promise<FaultCode | 'ok'> => {
  try {
    await verifier(keys, {...claims, ...some}, clock)(given);
    return 'ok';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
};
