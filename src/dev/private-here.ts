import type {Clock} from '../clock.ts';
import type {Environment} from '../settings/setting.ts';
import {newKeys} from '../token/keys.ts';
import {settingsFor, signToken} from '../token/token.ts';
import {environmentOf, type Wish} from './wish.ts';

/** A token is for one session at the desk. */
const lifeMs = 24 * 60 * 60 * 1000;

/**
Gives a private function that nothing says whom to trust a key pair for this run, and a token that its developer can call it with.

@returns the wish as it is, without a token, when the function is public or has a key
*/
export async function openToDeveloper(wish: Wish, env: Environment, clock: Clock): Promise<{wish: Wish; token?: string}> {
  const given = environmentOf(wish, env);
  if (given.SCW_PUBLIC === 'true' || given.SCW_PUBLIC_KEY || given.CORE_JWKS_URL) return {wish};
  const {privateKey, publicPem} = await newKeys();
  const asked = {
    applicationId: given.SCW_APPLICATION_ID || 'local',
    namespaceId: given.SCW_NAMESPACE_ID || 'local',
    issuer: given.CORE_AUTH_ISSUER || undefined,
    audience: given.CORE_AUTH_AUDIENCE || undefined,
    lifeMs,
  };
  const {SCW_PUBLIC: _, ...settings} = settingsFor(publicPem, asked);
  return {wish: {...wish, settings: {...wish.settings, ...settings}}, token: signToken(privateKey, asked, clock).token};
}
