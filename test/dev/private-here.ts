import test from 'ava';
import {keyForRun} from '../../src/dev/private-here.ts';
import {environmentOf} from '../../src/dev/wish.ts';
import {ManualClock} from '../helpers/clock.ts';
import {folderWith} from '../helpers/folder.ts';

const clock = new ManualClock();

test('a public function, and one with a key or a key set, is left as it is', async t => {
  const folder = await folderWith(t, {});
  const wish = {handlerPath: `${folder}/handler.js`, folder, isBinary: false};
  for (const env of [{}, {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: 'key'}, {SCW_PUBLIC: '', CORE_JWKS_URL: 'https://example.org/keys'}]) {
    t.is(await keyForRun(clock, sentence => t.fail(sentence))(wish, env), wish);
  }
});

test('a private function without a key gets one, and a token for its ids', async t => {
  const folder = await folderWith(t, {'.env': 'SCW_NAMESPACE_ID=mine'});
  const asked = {handlerPath: `${folder}/handler.js`, folder, isBinary: false, isPrivate: true};
  const said: string[] = [];
  const openToDeveloper = keyForRun(clock, sentence => said.push(sentence));
  const env = environmentOf(await openToDeveloper(asked, {}), {});
  t.like(env, {SCW_PUBLIC: 'false', SCW_APPLICATION_ID: 'local', SCW_NAMESPACE_ID: 'mine'});
  t.regex(env.SCW_PUBLIC_KEY ?? '', /^-----BEGIN PUBLIC KEY-----/);
  const claims = claimsIn(said);
  t.deepEqual(claims.application_claim, [{application_id: 'local', namespace_id: 'mine'}]);
  t.is(claims.exp - claims.iat, 24 * 3600);

  t.is(environmentOf(await openToDeveloper(asked, {}), {}).SCW_PUBLIC_KEY, env.SCW_PUBLIC_KEY, 'the same key when it starts anew');
  t.is(said.length, 1, 'and nothing new to say');
  await openToDeveloper(asked, {SCW_APPLICATION_ID: 'other'});
  t.deepEqual(claimsIn(said).application_claim, [{application_id: 'other', namespace_id: 'mine'}]);
});

/** Of the token that was said last. */
function claimsIn(said: readonly string[]) {
  const [, payload = ''] = /TOKEN=[\w-]+\.([\w-]+)\./.exec(said.at(-1) ?? '') ?? [];
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}
