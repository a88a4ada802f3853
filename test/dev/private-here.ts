import test from 'ava';
import {openToDeveloper} from '../../src/dev/private-here.ts';
import {environmentOf} from '../../src/dev/wish.ts';
import {ManualClock} from '../helpers/clock.ts';
import {folderWith} from '../helpers/folder.ts';

const clock = new ManualClock();

test('a public function, and one with a key or a key set, is left as it is', async t => {
  const folder = await folderWith(t, {});
  const wish = {handlerPath: `${folder}/handler.js`, folder, isBinary: false};
  for (const env of [{}, {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: 'key'}, {SCW_PUBLIC: '', CORE_JWKS_URL: 'https://example.org/keys'}]) {
    t.deepEqual(await openToDeveloper(wish, env, clock), {wish});
  }
});

test('a private function without a key gets one, and a token for its ids', async t => {
  const folder = await folderWith(t, {'.env': 'SCW_NAMESPACE_ID=mine'});
  const {wish, token = ''} = await openToDeveloper(
    {handlerPath: `${folder}/handler.js`, folder, isBinary: false, isPrivate: true},
    {},
    clock,
  );
  const env = environmentOf(wish, {});
  t.like(env, {SCW_PUBLIC: 'false', SCW_APPLICATION_ID: 'local', SCW_NAMESPACE_ID: 'mine'});
  t.regex(env.SCW_PUBLIC_KEY ?? '', /^-----BEGIN PUBLIC KEY-----/);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  t.deepEqual(claims.application_claim, [{application_id: 'local', namespace_id: 'mine'}]);
  t.is(claims.exp - claims.iat, 24 * 3600);
});
