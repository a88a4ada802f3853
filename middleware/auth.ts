import type jsonwebtoken from 'jsonwebtoken';
import type {Clock} from '../src/clock.ts';
import type {Principal} from '../src/delivery.ts';
import {Fault} from '../src/errors.ts';
import {late} from '../src/late.ts';
import type {Stage, StageContext} from '../src/stage.ts';
import {isSigned, type VerifyingKey} from './signed.ts';
import {VerifiedTokens} from './verified.ts';

export type Verify = (token: string) => Promise<Principal>;

/** The source of the keys that verify callers: a setting, or a key set on another machine. */
export interface KeySource {
  /**
  The key for a token that names this key id and algorithm; undefined when none fits, 'none' when there is no usable key
  at all.

  @throws Fault AUTH_BUSY when too many callers wait for the keys
  */
  find(keyId: string | undefined, algorithm: string | undefined): Promise<VerifyingKey | undefined | 'none'>;
}

export interface Claims {
  readonly applicationId: string;
  readonly namespaceId: string;
  readonly clockToleranceMs: number;
  readonly requireExpiry: boolean;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** A public function verifies nobody, and does not load it. */
const library = () => late('jsonwebtoken') as typeof jsonwebtoken;

/** The fields that may carry a token; the first one that is not empty counts. */
const tokenFields = ['scw-functions-token', 'scw_functions_token', 'x-auth-token'] as const;
const longestToken = 8 * 1024;
const everybody: Principal = {subject: 'public'};

/** Lets everybody in: the function is public. */
export function authPublic(): Stage {
  return function auth(ctx, next) {
    ctx.state.principal = ctx.state.delivery.principal ?? everybody;
    return next();
  };
}

/** Lets in callers with a valid token. A delivery whose trigger vouches for the caller, such as a tick, passes without one. */
export function auth(verify: Verify): Stage {
  return function auth(ctx, next) {
    const {principal} = ctx.state.delivery;
    if (!principal) return letIn(ctx, next);
    ctx.state.principal = principal;
    return next();
  };

  async function letIn(ctx: StageContext, next: () => Promise<void>): Promise<void> {
    const invocation = ctx.state;
    const {delivery} = invocation;
    const found = findToken(ctx);
    if (!found) {
      if (!delivery.anonymousReply)
        throw new Fault('AUTH_MISSING', {
          cause: 'no token came in SCW-Functions-Token, X-Auth-Token or, with the scheme Bearer, Authorization',
        });
      const {headers, ...reply} = delivery.anonymousReply;
      const result = {...reply, headers: [...headers, 'Core-Invocation-Id', invocation.id]};
      delivery.reply(result);
      invocation.result = result;
      return;
    }
    const principal = await verify(found.token);
    invocation.principal = {subject: principal.subject, credential: found.field};
    await next();
  }
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
Checks a token: the algorithm of its key and no other, times, issuer, audience, and that it was made for this function.

The returned function throws AUTH_NOT_CONFIGURED, AUTH_INVALID, AUTH_FORBIDDEN, AUTH_BUSY.
@see RFC 7519; RFC 8725 for what a verifier must not leave to its library
*/
export function verifier(keys: KeySource, claims: Claims, clock: Clock, verified = new VerifiedTokens()): Verify {
  library(); // loaded now, so that the first caller does not wait for it
  return async function verify(token) {
    const isReadable = token.length <= longestToken;
    const known = isReadable ? verified.find(token, clock.now()) : undefined;
    if (known && (await keys.find(known.keyId, known.key.algorithm)) === known.key) return known.principal;

    const header = isReadable ? headerOf(token) : undefined;
    const keyId = typeof header?.kid === 'string' ? header.kid : undefined;
    const key = await keys.find(keyId, typeof header?.alg === 'string' ? header.alg : undefined);
    if (key === 'none') throw new Fault('AUTH_NOT_CONFIGURED');
    if (!header) throw invalid('it is not a JSON Web Token, or longer than 8 KiB');
    if (!key) throw invalid('no key fits the key id and the algorithm that it names');
    if ('crit' in header) throw invalid('it names critical extensions');
    if (header.alg !== key.algorithm) throw invalid(`its algorithm is not ${key.algorithm}, that of the key`);
    if (!(await isSigned(token, key))) throw invalid('its signature is not that of the key');
    const sinceMs = clock.now();
    const {principal, expiryS} = checkClaims(checkSignature(token, key, claims, clock), claims, clock);
    verified.keep(token, {principal, keyId, key, sinceMs, untilMs: expiryS * 1000 + claims.clockToleranceMs});
    return principal;
  };
}

/** @param cause what the log says at debug; never a part of the token */
const invalid = (cause: unknown) => new Fault('AUTH_INVALID', {cause});

function headerOf(token: string): {alg?: unknown; kid?: unknown} | undefined {
  try {
    const header: unknown = library().decode(token, {complete: true})?.header;
    return isRecord(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

function checkSignature(
  token: string,
  {key, algorithm}: VerifyingKey,
  {issuer, audience, clockToleranceMs}: Claims,
  clock: Clock,
): unknown {
  try {
    return library().verify(token, key, {
      algorithms: [algorithm],
      // As a number: with a text, the library would not check the expiry.
      clockTolerance: clockToleranceMs / 1000,
      clockTimestamp: Math.floor(clock.now() / 1000),
      ...(issuer !== undefined && {issuer}),
      ...(audience !== undefined && {audience}),
    });
  } catch (cause) {
    throw invalid(cause);
  }
}

function checkClaims(payload: unknown, claims: Claims, clock: Clock): {principal: Principal; expiryS: number} {
  const {requireExpiry, clockToleranceMs} = claims;
  if (!isRecord(payload)) throw invalid('its payload is not an object');
  const {exp, nbf, iat, sub} = payload;
  if (![exp, nbf, iat].every(time => time === undefined || Number.isFinite(time))) throw invalid('exp, nbf or iat is not a number');
  if (requireExpiry && exp === undefined) throw invalid('it has no exp, which CORE_AUTH_REQUIRE_EXP wants');
  if (typeof iat === 'number' && iat * 1000 > clock.now() + clockToleranceMs)
    throw invalid('its iat is in the future: see CORE_AUTH_CLOCK_TOLERANCE');

  if (!isForAudience(payload, claims)) checkApplication(payload.application_claim, claims);
  const principal: Principal = {subject: typeof sub === 'string' ? sub : ''};
  return {principal, expiryS: typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY};
}

/** An OpenID provider's token has no claim of the platform. Its issuer and its audience have been checked. */
const isForAudience = (payload: Record<string, unknown>, {issuer, audience}: Claims) =>
  payload.application_claim === undefined && issuer !== undefined && audience !== undefined;

function checkApplication(list: unknown, {applicationId, namespaceId}: Claims): void {
  if (!Array.isArray(list) || list.length !== 1 || !isRecord(list[0])) throw invalid('its application_claim is not a list of one claim');
  const claimed = [
    {given: idOf(list[0].application_id), ours: applicationId, name: 'SCW_APPLICATION_ID'},
    {given: idOf(list[0].namespace_id), ours: namespaceId, name: 'SCW_NAMESPACE_ID'},
  ].filter(({given}) => given !== '');
  if (claimed.length === 0) throw new Fault('AUTH_FORBIDDEN', {cause: 'its application_claim names no application and no namespace'});
  const other = claimed.find(({given, ours}) => given !== ours);
  if (other)
    throw new Fault('AUTH_FORBIDDEN', {cause: `its claim is not for ${other.name}${other.ours === '' ? ', which is not set' : ''}`});
}

function idOf(id: unknown): string {
  if (id === undefined || id === null) return '';
  if (typeof id !== 'string') throw invalid('an id in its application_claim is not a text');
  return id;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
