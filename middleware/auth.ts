import {verify as checkSigned, type KeyObject} from 'node:crypto';
import type jsonwebtoken from 'jsonwebtoken';
import type {Clock} from '../src/clock.ts';
import {Fault} from '../src/errors.ts';
import {late} from '../src/late.ts';
import type {Stage} from '../src/stage.ts';
import type {Principal} from '../src/trigger.ts';
import {VerifiedTokens} from './verified.ts';

export type Verify = (token: string) => Promise<Principal>;

/** Where the keys come from that verify callers: a setting, or a key set on another machine. */
export interface KeySource {
  /** The key for a token, undefined when none fits, 'none' when there is no usable key at all. */
  find(keyId: string | undefined): Promise<KeyObject | undefined | 'none'>;
}

export interface Claims {
  readonly applicationId: string;
  readonly namespaceId: string;
  readonly clockToleranceMs: number;
  readonly requireExpiry: boolean;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Where nobody is verified it is not loaded. */
const library = () => late('jsonwebtoken') as typeof jsonwebtoken;

/** Where a token may stand; the first field that is not empty counts. */
const tokenFields = ['scw-functions-token', 'scw_functions_token', 'x-auth-token'] as const;
const longestToken = 8 * 1024;
const everybody: Principal = {subject: 'public'};

/** Lets everybody in: the function is public. */
export function authPublic(): Stage {
  return async function auth(ctx, next) {
    ctx.state.principal = ctx.state.delivery.principal ?? everybody;
    await next();
  };
}

/** Lets in whoever carries a valid token. A delivery that brings its own principal, such as a tick, passes. */
export function auth(verify: Verify): Stage {
  return async function auth(ctx, next) {
    const invocation = ctx.state;
    const {delivery} = invocation;
    if (delivery.principal) {
      invocation.principal = delivery.principal;
      return next();
    }
    const found = findToken(ctx);
    if (!found) {
      if (!delivery.anonymousReply) throw new Fault('AUTH_MISSING');
      const {headers, ...reply} = delivery.anonymousReply;
      const result = {...reply, headers: [...headers, 'Core-Invocation-Id', invocation.id]};
      delivery.reply(result);
      invocation.result = result;
      return;
    }
    const principal = await verify(found.token);
    invocation.principal = {subject: principal.subject, credential: found.field};
    await next();
  };
}

function findToken(ctx: {get(field: string): string}): {field: string; token: string} | undefined {
  for (const field of tokenFields) {
    const token = ctx.get(field).trim();
    if (token) return {field, token};
  }
  const token = bearer(ctx.get('authorization'));
  return token ? {field: 'authorization', token} : undefined;
}

/** RFC 6750 §2.1; '' when the scheme is another or nothing follows. */
function bearer(header: string): string {
  const [, token = ''] = /^bearer +(.*)$/i.exec(header.trim()) ?? [];
  return token.trim();
}

/**
Checks a token: RS256 only, times, issuer, audience, and that it was made for this function.

The returned function throws AUTH_NOT_CONFIGURED, AUTH_INVALID, AUTH_FORBIDDEN.
@see RFC 7519; RFC 8725 for what a verifier must not leave to its library
*/
export function verifier(keys: KeySource, claims: Claims, clock: Clock, verified = new VerifiedTokens()): Verify {
  library(); // not with the first caller
  return async function verify(token) {
    const isReadable = token.length <= longestToken;
    const known = isReadable ? verified.find(token, clock.now()) : undefined;
    if (known && (await keys.find(known.keyId)) === known.key) return known.principal;

    const header = isReadable ? headerOf(token) : undefined;
    const keyId = typeof header?.kid === 'string' ? header.kid : undefined;
    const key = await keys.find(keyId);
    if (key === 'none') throw new Fault('AUTH_NOT_CONFIGURED');
    if (!header || !key || 'crit' in header || header.alg !== 'RS256' || !(await isSigned(token, key))) throw new Fault('AUTH_INVALID');
    const sinceMs = clock.now();
    const {principal, expiryS} = checkClaims(checkSignature(token, key, claims, clock), claims, clock);
    verified.keep(token, {principal, keyId, key, sinceMs, untilMs: expiryS * 1000 + claims.clockToleranceMs});
    return principal;
  };
}

/**
Asks on another thread whether this key signed the token: a flood of forged ones takes little time from callers whose
tokens are known. It only refuses; the library below decides.
*/
function isSigned(token: string, key: KeyObject): Promise<boolean> {
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  return new Promise(resolve => {
    checkSigned('sha256', Buffer.from(token.slice(0, end)), key, signature, (error, isValid) => resolve(!error && isValid));
  });
}

function headerOf(token: string): {alg?: unknown; kid?: unknown} | undefined {
  try {
    const header: unknown = library().decode(token, {complete: true})?.header;
    return isRecord(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

function checkSignature(token: string, key: KeyObject, {issuer, audience, clockToleranceMs}: Claims, clock: Clock): unknown {
  try {
    return library().verify(token, key, {
      algorithms: ['RS256'],
      // A number: given a text, the library would switch expiry off.
      clockTolerance: clockToleranceMs / 1000,
      clockTimestamp: Math.floor(clock.now() / 1000),
      ...(issuer !== undefined && {issuer}),
      ...(audience !== undefined && {audience}),
    });
  } catch (cause) {
    throw new Fault('AUTH_INVALID', {cause});
  }
}

function checkClaims(payload: unknown, {applicationId, namespaceId, requireExpiry, clockToleranceMs}: Claims, clock: Clock) {
  if (!isRecord(payload)) throw new Fault('AUTH_INVALID');
  const {exp, nbf, iat, sub} = payload;
  if (![exp, nbf, iat].every(time => time === undefined || Number.isFinite(time))) throw new Fault('AUTH_INVALID');
  if (requireExpiry && exp === undefined) throw new Fault('AUTH_INVALID');
  if (typeof iat === 'number' && iat * 1000 > clock.now() + clockToleranceMs) throw new Fault('AUTH_INVALID');

  const list = payload.application_claim;
  if (!Array.isArray(list) || list.length !== 1 || !isRecord(list[0])) throw new Fault('AUTH_INVALID');
  const claimed = [
    {given: idOf(list[0].application_id), ours: applicationId},
    {given: idOf(list[0].namespace_id), ours: namespaceId},
  ].filter(({given}) => given !== '');
  if (claimed.length === 0 || claimed.some(({given, ours}) => given !== ours)) throw new Fault('AUTH_FORBIDDEN');
  const principal: Principal = {subject: typeof sub === 'string' ? sub : ''};
  return {principal, expiryS: typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY};
}

function idOf(id: unknown): string {
  if (id === undefined || id === null) return '';
  if (typeof id !== 'string') throw new Fault('AUTH_INVALID');
  return id;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
