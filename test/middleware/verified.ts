import {generateKeyPairSync} from 'node:crypto';
import test from 'ava';
import jwt from 'jsonwebtoken';
import {type Claims, type KeySource, verifier} from '../../middleware/auth.ts';
import type {VerifyingKey} from '../../middleware/signed.ts';
import {type Verified, VerifiedTokens} from '../../middleware/verified.ts';
import {ManualClock} from '../helpers/clock.ts';

const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const ours: VerifyingKey = {key: publicKey, algorithm: 'RS256'};
const claims: Claims = {
  applicationId: 'app-1',
  namespaceId: 'ns-1',
  clockToleranceMs: 0,
  requireExpiry: false,
  issuer: undefined,
  audience: undefined,
};
const tokenOf = (some: object, keyid?: string) =>
  jwt.sign({application_claim: [{application_id: 'app-1'}], ...some}, privateKey, {
    algorithm: 'RS256',
    noTimestamp: true,
    ...(keyid && {keyid}),
  });

/** A verifier whose signature checks can be told from look-ups: the key it is lent counts nothing, the cache does. */
function watched(some: Partial<Claims> = {}, keys: KeySource = {find: async () => ours}) {
  const clock = new ManualClock();
  const kept: Verified[] = [];
  class Watched extends VerifiedTokens {
    override keep(token: string, verified: Verified): void {
      kept.push(verified);
      super.keep(token, verified);
    }
  }
  const verify = verifier(keys, {...claims, ...some}, clock, new Watched());
  return {verify, clock, kept, nowS: Math.floor(clock.now() / 1000)};
}

test('a refused token is not remembered', async t => {
  const {verify, kept} = watched();
  for (const bad of ['a.b.c', `${tokenOf({})}x`, tokenOf({application_claim: [{application_id: 'other'}]}), tokenOf({exp: 1})]) {
    for (let round = 0; round < 2; round++) await t.throwsAsync(verify(bad));
  }
  t.is(kept.length, 0);
});

test('a valid token is checked once', async t => {
  const {verify, kept} = watched();
  const token = tokenOf({sub: 'someone'});
  for (let round = 0; round < 5; round++) t.deepEqual(await verify(token), {subject: 'someone'});
  t.is(kept.length, 1);
  t.false(JSON.stringify(kept).includes(token.slice(0, 20)));
});

for (const toleranceS of [0, 30]) {
  test(`a remembered token ends with its expiry, ${toleranceS} s forgiven`, async t => {
    const {verify, clock, kept, nowS} = watched({clockToleranceMs: toleranceS * 1000});
    const token = tokenOf({exp: nowS + 60});
    await verify(token);
    await clock.advance((60 + toleranceS) * 1000 - 1);
    await verify(token);
    t.is(kept.length, 1);
    await clock.advance(1);
    await t.throwsAsync(verify(token), {code: 'AUTH_INVALID'});
  });
}

test('a clock that is set back makes a remembered token be checked again', async t => {
  const {verify, clock, kept, nowS} = watched();
  const token = tokenOf({nbf: nowS});
  await verify(token);
  clock.setWall((nowS - 10) * 1000);
  await t.throwsAsync(verify(token), {code: 'AUTH_INVALID'});
  clock.setWall(nowS * 1000);
  await verify(token);
  t.is(kept.length, 2);
});

test('a token of a rotated key is checked with the new one', async t => {
  const other = generateKeyPairSync('rsa', {modulusLength: 2048});
  let current: VerifyingKey | undefined = ours;
  const asked: unknown[] = [];
  const {verify, kept} = watched(
    {},
    {
      async find(keyId) {
        asked.push(keyId);
        return current;
      },
    },
  );
  const token = tokenOf({}, 'k1');
  await verify(token);
  await verify(token);
  t.is(kept.length, 1);
  current = {key: other.publicKey, algorithm: 'RS256'};
  await t.throwsAsync(verify(token), {code: 'AUTH_INVALID'});
  current = undefined;
  await t.throwsAsync(verify(token), {code: 'AUTH_INVALID'});
  current = ours;
  await verify(token);
  t.deepEqual(new Set(asked), new Set(['k1']));
});

test('without a usable key any more a remembered token gets 500, as every other', async t => {
  let current: VerifyingKey | 'none' = ours;
  const {verify} = watched({}, {find: async () => current});
  const token = tokenOf({});
  await verify(token);
  current = 'none';
  await t.throwsAsync(verify(token), {code: 'AUTH_NOT_CONFIGURED'});
});

test('at most 1,000 are remembered; those used longest ago go first', t => {
  const tokens = new VerifiedTokens();
  const entry: Verified = {principal: {subject: ''}, keyId: undefined, key: ours, sinceMs: 0, untilMs: 10};
  for (let index = 0; index < 1000; index++) tokens.keep(`token ${index}`, entry);
  t.truthy(tokens.find('token 0', 5));
  for (let index = 1000; index < 1500; index++) tokens.keep(`token ${index}`, entry);
  t.is(tokens.size, 1000);
  t.truthy(tokens.find('token 0', 5));
  t.is(tokens.find('token 1', 5), undefined);
  t.truthy(tokens.find('token 1499', 5));
});
