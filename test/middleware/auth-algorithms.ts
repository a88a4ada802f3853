import {constants, createHmac, generateKeyPairSync, sign} from 'node:crypto';
import test from 'ava';
import * as jose from 'jose';
import {verifier} from '../../middleware/auth.ts';
import {fixedKey} from '../../middleware/keys.ts';
import type {VerifyingKey} from '../../middleware/signed.ts';
import {ManualClock} from '../helpers/clock.ts';
import {forbidden, good, invalid} from '../helpers/known-tokens.ts';
import {claims, clock, ec, encode, hmac, mine, now, other, privateKey, publicKey, spki, token, verdict} from '../helpers/tokens.ts';

const elliptic = (namedCurve: string) => generateKeyPairSync('ec', {namedCurve});
const [p256, p384] = [ec, elliptic('P-384')];
const pss = {padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32};
const verifying = {
  RS256: {key: publicKey, algorithm: 'RS256'},
  PS256: {key: publicKey, algorithm: 'PS256'},
  ES256: {key: p256.publicKey, algorithm: 'ES256'},
  ES384: {key: p384.publicKey, algorithm: 'ES384'},
} as const satisfies Record<string, VerifyingKey>;

/** How a token may be signed that claims to be `alg`, by whom: only the one that the key is for lets in. */
const signings: readonly (readonly [alg: string, sign: (data: string) => Buffer])[] = [
  ['RS256', data => sign('sha256', Buffer.from(data), privateKey)],
  ['RS384', data => sign('sha384', Buffer.from(data), privateKey)],
  ['RS512', data => sign('sha512', Buffer.from(data), privateKey)],
  ['PS256', data => sign('sha256', Buffer.from(data), {key: privateKey, ...pss})],
  ['PS384', data => sign('sha384', Buffer.from(data), {key: privateKey, ...pss, saltLength: 48})],
  ['PS512', data => sign('sha512', Buffer.from(data), {key: privateKey, ...pss, saltLength: 64})],
  ['ES256', data => sign('sha256', Buffer.from(data), {key: p256.privateKey, dsaEncoding: 'ieee-p1363'})],
  ['ES384', data => sign('sha384', Buffer.from(data), {key: p384.privateKey, dsaEncoding: 'ieee-p1363'})],
  ['ES512', data => sign('sha512', Buffer.from(data), {key: elliptic('P-521').privateKey, dsaEncoding: 'ieee-p1363'})],
  ['ES256K', data => sign('sha256', Buffer.from(data), {key: elliptic('secp256k1').privateKey, dsaEncoding: 'ieee-p1363'})],
  ['EdDSA', data => sign(null, Buffer.from(data), generateKeyPairSync('ed25519').privateKey)],
  ['HS256', data => createHmac('sha256', spki).update(data).digest()],
  ['none', () => Buffer.alloc(0)],
];
const signed = (alg: string, by: (data: string) => Buffer) => {
  const data = `${encode({alg, typ: 'JWT'})}.${encode(mine)}`;
  return `${data}.${by(data).toString('base64url')}`;
};

for (const key of Object.values(verifying)) {
  const verdictOf = (given: string) => verdict(given, {}, {find: async () => key});

  test(`a key for ${key.algorithm} takes that algorithm and no other, whatever the token says and whoever signed it`, async t => {
    for (const [claimed] of signings) {
      for (const [by, signing] of signings) {
        const isRight = claimed === key.algorithm && by === key.algorithm;
        t.is(await verdictOf(signed(claimed, signing)), isRight ? 'ok' : 'AUTH_INVALID', `${claimed}, signed as ${by}`);
      }
    }
  });

  test(`a public key for ${key.algorithm} is no secret`, async t => {
    for (const format of ['pem', 'der', 'jwk'] as const) {
      const exported = format === 'jwk' ? JSON.stringify(key.key.export({format})) : key.key.export({type: 'spki', format});
      for (const alg of ['HS256', 'HS384', 'HS512']) t.is(await verdictOf(hmac(exported, alg)), 'AUTH_INVALID');
    }
  });

  test(`a signature for ${key.algorithm} that was changed, cut, or written in another form is refused`, async t => {
    const [, own] = signings.find(([alg]) => alg === key.algorithm) ?? [];
    if (!own) throw new TypeError('Expected a way to sign');
    const change = (alter: (signature: Buffer) => Buffer) => verdictOf(signed(key.algorithm, data => alter(own(data))));
    t.is(await change(signature => signature), 'ok');
    t.is(await change(signature => signature.subarray(1)), 'AUTH_INVALID');
    t.is(await change(signature => Buffer.concat([signature, Buffer.alloc(1)])), 'AUTH_INVALID');
    t.is(await change(signature => Buffer.alloc(signature.length)), 'AUTH_INVALID');
    t.is(await change(signature => Buffer.alloc(signature.length, 0xff)), 'AUTH_INVALID');
    t.is(await change(() => Buffer.alloc(0)), 'AUTH_INVALID');
    for (let at = 0; at < 8; at++) {
      t.is(await change(signature => Buffer.from(signature.map((byte, index) => (index === at * 7 ? byte ^ 1 : byte)))), 'AUTH_INVALID');
    }
    if (key.algorithm.startsWith('ES')) {
      const {privateKey: signing} = key.algorithm === 'ES256' ? p256 : p384;
      const digest = key.algorithm === 'ES256' ? 'sha256' : 'sha384';
      t.is(await verdictOf(signed(key.algorithm, data => sign(digest, Buffer.from(data), signing))), 'AUTH_INVALID'); // DER
    }
  });
}

test('PS256 asks for a salt as long as its digest', async t => {
  for (const saltLength of [0, 20, 64]) {
    const given = signed('PS256', data => sign('sha256', Buffer.from(data), {key: privateKey, ...pss, saltLength}));
    t.is(await verdict(given, {}, {find: async () => verifying.PS256}), 'AUTH_INVALID');
  }
});

test('tokens that jose signs with the algorithms of a key set are accepted', async t => {
  for (const [alg, signing] of [
    ['PS256', privateKey],
    ['ES256', p256.privateKey],
    ['ES384', p384.privateKey],
  ] as const) {
    const given = await new jose.SignJWT(mine).setProtectedHeader({alg}).sign(signing);
    t.is(await verdict(given, {}, {find: async () => verifying[alg]}), 'ok');
  }
});

test('the token of an OpenID provider needs no claim of ours where issuer and audience are both checked', async t => {
  const required = {issuer: 'https://id.example', audience: 'functions', applicationId: '', namespaceId: ''};
  const made = {iss: required.issuer, aud: required.audience, sub: 'someone', exp: now + 60};
  t.is(await verdict(token({...made, iss: 'https://evil.example'}), required), 'AUTH_INVALID');
  t.is(await verdict(token({...made, aud: 'others'}), required), 'AUTH_INVALID');
  t.is(await verdict(token({...made, iss: undefined}), required), 'AUTH_INVALID');
  t.is(await verdict(token({...made, aud: undefined}), required), 'AUTH_INVALID');
  t.is(await verdict(token({...made, aud: []}), required), 'AUTH_INVALID');
  t.is(await verdict(token({...made, exp: now}), required), 'AUTH_INVALID');
  t.is(await verdict(token(made, undefined, other.privateKey), required), 'AUTH_INVALID');
  t.is(await verdict(token(made)), 'AUTH_INVALID');
  t.is(await verdict(token(made), {...required, audience: undefined}), 'AUTH_INVALID');
  t.is(await verdict(token(made), {...required, issuer: undefined}), 'AUTH_INVALID');
  t.is(await verdict(token(made), required), 'ok');
  t.is(await verdict(token({...made, aud: ['x', 'functions']}), required), 'ok');
});

test('a claim that is there is checked, wherever the token comes from', async t => {
  const required = {issuer: 'https://id.example', audience: 'functions'};
  const made = {iss: required.issuer, aud: required.audience};
  for (const application_claim of [null, [], {}, 'app-1', [null]]) {
    t.is(await verdict(token({...made, application_claim}), required), 'AUTH_INVALID');
  }
  t.is(await verdict(token({...made, application_claim: [{application_id: 'app-2'}]}), required), 'AUTH_FORBIDDEN');
  t.is(await verdict(token({...made, ...mine}), required), 'ok');
});

test('signature and time verdicts agree with jose’s', async t => {
  const tokens = [
    ...invalid.slice(
      0,
      invalid.findIndex(([title]) => title === 'no claim'),
    ),
    ...forbidden,
    ...good,
  ];
  const onlyOurs: string[] = [];
  for (const [title, given] of tokens) {
    const ours = await verdict(given);
    const theirs = await jose.jwtVerify(given, publicKey, {algorithms: ['RS256'], currentDate: new Date(clock.now())}).then(
      () => 'ok',
      () => 'AUTH_INVALID',
    );
    if (theirs === 'AUTH_INVALID') t.is(ours, 'AUTH_INVALID', `jose refuses ${title}`);
    else if (ours === 'AUTH_INVALID') onlyOurs.push(title);
  }
  // What we refuse on top, each on purpose.
  t.deepEqual(onlyOurs, [
    'padding',
    'more than 8 KiB',
    'an expiry that is infinite',
    'a start that is infinite',
    'issued a second from now',
    'issued in a year',
  ]);
});

test('tokens that jose signs are accepted until they expire', async t => {
  const own = new ManualClock();
  const signed = await new jose.SignJWT({...mine, sub: 'someone'})
    .setProtectedHeader({alg: 'RS256'})
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(privateKey);
  const verify = verifier(fixedKey(publicKey), claims, own);
  t.deepEqual(await verify(signed), {subject: 'someone'});
  await own.advance(59_999);
  t.deepEqual(await verify(signed), {subject: 'someone'});
  await own.advance(1);
  await t.throwsAsync(verify(signed), {code: 'AUTH_INVALID'});
});
