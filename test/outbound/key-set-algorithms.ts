import {generateKeyPairSync} from 'node:crypto';
import test from 'ava';
import {first, jwk, keySet, same, second, third} from '../helpers/key-set.ts';

const p256 = generateKeyPairSync('ec', {namedCurve: 'P-256'}).publicKey;
const p384 = generateKeyPairSync('ec', {namedCurve: 'P-384'}).publicKey;
const p521 = generateKeyPairSync('ec', {namedCurve: 'P-521'}).publicKey;
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'none', 'constructor', ''];
const ofKeys: [title: string, key: unknown, algorithm: string | undefined][] = [
  ['RSA', jwk(first.publicKey), 'RS256'],
  ['RSA for RS256', jwk(first.publicKey, {alg: 'RS256'}), 'RS256'],
  ['RSA for PS256', jwk(first.publicKey, {alg: 'PS256', use: 'sig', key_ops: ['verify']}), 'PS256'],
  ['RSA for PS512', jwk(first.publicKey, {alg: 'PS512'}), undefined],
  ['RSA for HS256', jwk(first.publicKey, {alg: 'HS256'}), undefined],
  ['RSA for none', jwk(first.publicKey, {alg: 'none'}), undefined],
  ['RSA for an algorithm that is null', jwk(first.publicKey, {alg: null}), undefined],
  ['P-256', jwk(p256), 'ES256'],
  ['P-256 for ES256', jwk(p256, {alg: 'ES256'}), 'ES256'],
  ['P-256 for ES384', jwk(p256, {alg: 'ES384'}), undefined],
  ['P-256 for RS256', jwk(p256, {alg: 'RS256'}), undefined],
  ['P-384', jwk(p384), 'ES384'],
  ['P-384 for ES256', jwk(p384, {alg: 'ES256'}), undefined],
  ['P-384 that calls itself P-256', jwk(p384, {crv: 'P-256'}), undefined],
  ['P-521', jwk(p521), undefined],
  ['P-256 for encryption', jwk(p256, {use: 'enc'}), undefined],
  ['P-256 to sign with', jwk(p256, {key_ops: ['sign']}), undefined],
  ['P-256 for operations that are no list', jwk(p256, {key_ops: 'verify'}), undefined],
  ['Ed25519', jwk(generateKeyPairSync('ed25519').publicKey), undefined],
  ['a secret', {kty: 'oct', k: 'c2VjcmV0'}, undefined],
  ['a point off the curve', {...jwk(p256), y: jwk(p256).x}, undefined],
];
for (const [title, key, algorithm] of ofKeys) {
  test(`a key of the set verifies one algorithm and no other: ${title}`, async t => {
    const {set} = await keySet(t, [{...(key as object), kid: 'one'}, jwk(third.publicKey, {kid: 'other'})]);
    for (const asked of algorithms) {
      const found = await set.find('one', asked);
      t.is(typeof found === 'object' ? String(found.algorithm) : undefined, asked === algorithm ? algorithm : undefined, asked);
    }
  });
}

test('keys of several algorithms may share an id, or have none', async t => {
  for (const named of [{kid: 'one'}, {}]) {
    const {set} = await keySet(t, [
      jwk(first.publicKey, named),
      jwk(second.publicKey, {...named, alg: 'PS256'}),
      jwk(p256, named),
      jwk(p384, named),
    ]);
    for (const kid of [undefined, ...(named.kid ? ['one'] : [])]) {
      same(t, await set.find(kid), first.publicKey);
      same(t, await set.find(kid, 'PS256'), second.publicKey);
      same(t, await set.find(kid, 'ES256'), p256);
      same(t, await set.find(kid, 'ES384'), p384);
    }
  }
});

test('a key that is still in the set stays the same object, so that tokens which it verified are not checked again', async t => {
  const {set, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  const before = await set.find('one');
  await clock.advance(600_000);
  t.is(await set.find('one'), before);
});
