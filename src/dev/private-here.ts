import type {Clock} from '../clock.ts';
import type {Environment} from '../settings/setting.ts';
import {newKeys, type TokenKeys} from '../token/keys.ts';
import {settingsFor, signToken} from '../token/token.ts';
import {environmentOf, type Wish} from './wish.ts';

/** A token is for one session at the desk. */
const lifeMs = 24 * 60 * 60 * 1000;

/**
Gives a private function that has neither a key nor a key set the key pair of this run, and says a token that its developer can
call it with. A function that starts anew has the same key, so the token stays good; functions with the same ids share it.

@param noted takes a sentence for the developer
@returns gives the wish back with the key; as it is when the function is public or has a key
*/
export function keyForRun(clock: Clock, noted: (sentence: string) => void): (wish: Wish, env: Environment) => Promise<Wish> {
  let keys: Promise<TokenKeys> | undefined;
  const told = new Set<string>();
  return async function openToDeveloper(wish, env) {
    const given = environmentOf(wish, env);
    if (given.SCW_PUBLIC === 'true' || given.SCW_PUBLIC_KEY || given.CORE_JWKS_URL) return wish;
    keys ??= newKeys();
    const {privateKey, publicPem} = await keys;
    const asked = {
      applicationId: given.SCW_APPLICATION_ID || 'local',
      namespaceId: given.SCW_NAMESPACE_ID || 'local',
      issuer: given.CORE_AUTH_ISSUER || undefined,
      audience: given.CORE_AUTH_AUDIENCE || undefined,
      lifeMs,
    };
    const whose = JSON.stringify(asked);
    if (!told.has(whose)) {
      told.add(whose);
      const {token} = signToken(privateKey, asked, clock);
      noted(`Private, and no key is set: one was made for this run. For your shell: TOKEN=${token}`);
    }
    const {SCW_PUBLIC: _, ...settings} = settingsFor(publicPem, asked);
    return {...wish, settings: {...wish.settings, ...settings}};
  };
}
