import {type KeyObject, sign} from 'node:crypto';
import type {Clock} from '../clock.ts';

/** What a token lets its bearer call, and until when. */
export interface TokenWish {
  /** Of the function; undefined lets the token open every function of the namespace. */
  readonly applicationId: string | undefined;
  readonly namespaceId: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly lifeMs: number;
}

export interface Token {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expiresS: number;
}

/**
Makes a token for a private function, as the core checks it: RS256, one claim.

@see RFC 7515 §3.1, RFC 7518 §3.3
*/
export function signToken(privateKey: KeyObject, {applicationId, namespaceId, issuer, audience, lifeMs}: TokenWish, clock: Clock): Token {
  const nowS = Math.floor(clock.now() / 1000);
  const expiresS = nowS + Math.ceil(lifeMs / 1000);
  const claims = {
    iss: issuer,
    aud: audience,
    iat: nowS,
    exp: expiresS,
    application_claim: [{application_id: applicationId, namespace_id: namespaceId}],
  };
  const signed = `${encode({alg: 'RS256', typ: 'JWT'})}.${encode(claims)}`;
  return {token: `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`, expiresS};
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The settings of a core that lets the token in, by name. */
export function settingsFor(publicPem: string, {applicationId, namespaceId}: TokenWish): Record<string, string> {
  return {
    SCW_PUBLIC: 'false',
    // On one line, which is what files of variables, containers and platforms take.
    SCW_PUBLIC_KEY: publicPem.trim().replaceAll('\n', '\\n'),
    ...(applicationId !== undefined && {SCW_APPLICATION_ID: applicationId}),
    ...(namespaceId !== undefined && {SCW_NAMESPACE_ID: namespaceId}),
  };
}
