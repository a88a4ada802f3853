import {constants, createHmac, generateKeyPairSync, type KeyObject, sign} from 'node:crypto';
import test from 'ava';
import * as jose from 'jose';
import {auth, authPublic, type Claims, type KeySource, verifier} from '../../middleware/auth.ts';
import {fixedKey} from '../../middleware/keys.ts';
import type {VerifyingKey} from '../../middleware/signed.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {ManualClock} from '../helpers/clock.ts';
import {FakeDelivery, stageContext} from '../helpers/fakes.ts';

const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const other = generateKeyPairSync('rsa', {modulusLength: 2048});
const ec = generateKeyPairSync('ec', {namedCurve: 'P-256'});
const clock = new ManualClock();
const now = Math.floor(clock.now() / 1000);
const ours: VerifyingKey = {key: publicKey, algorithm: 'RS256'};
const claims: Claims = {
  applicationId: 'app-1',
  namespaceId: 'ns-1',
  clockToleranceMs: 0,
  requireExpiry: false,
  issuer: undefined,
  audience: undefined,
};
const mine = {application_claim: [{namespace_id: 'ns-1', application_id: 'app-1'}]};

const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const rs256 = (data: string, key: KeyObject = privateKey) => sign('sha256', Buffer.from(data), key).toString('base64url');

/** Signed as RS256 signs, whatever the header says. A text is taken as the JSON itself. */
function token(payload: unknown, header: unknown = {alg: 'RS256', typ: 'JWT'}, key: KeyObject = privateKey): string {
  const data = `${encode(header)}.${encode(payload)}`;
  return `${data}.${rs256(data, key)}`;
}

const hmac = (secret: string | Buffer, alg = 'HS256') => {
  const data = `${encode({alg, typ: 'JWT'})}.${encode(mine)}`;
  return `${data}.${createHmac(alg.replace('HS', 'sha'), secret).update(data).digest('base64url')}`;
};

const signedBy = (alg: string, {digest, key, ...options}: {digest: string; key: KeyObject} & Record<string, unknown>) => {
  const data = `${encode({alg, typ: 'JWT'})}.${encode(mine)}`;
  return `${data}.${sign(digest, Buffer.from(data), {key, ...options}).toString('base64url')}`;
};

const spki = String(publicKey.export({type: 'spki', format: 'pem'}));
const pkcs1 = String(publicKey.export({type: 'pkcs1', format: 'pem'}));
const valid = token(mine);
const [head = '', payload = '', signature = ''] = valid.split('.');
const withClaim = (application_claim: unknown) => token({application_claim});
const timed = (times: object) => token({...mine, ...times});

const invalid: [title: string, token: string][] = [
  ['algorithm none, unsigned', `${encode({alg: 'none'})}.${payload}.`],
  ['algorithm None', `${encode({alg: 'None'})}.${payload}.`],
  ['algorithm NONE with a signature', `${encode({alg: 'NONE'})}.${payload}.${signature}`],
  ['no algorithm', token(mine, {typ: 'JWT'})],
  ['algorithm rs256 in lower case', token(mine, {alg: 'rs256'})],
  ['algorithm that is a list', token(mine, {alg: ['RS256']})],
  ['algorithm that is null', token(mine, {alg: null})],
  ['algorithm that is empty', token(mine, {alg: ''})],
  ['algorithm constructor', token(mine, {alg: 'constructor'})],
  ['HS256 with the SPKI PEM as secret', hmac(spki)],
  ['HS256 with the PKCS#1 PEM as secret', hmac(pkcs1)],
  ['HS256 with the PEM without its last newline', hmac(spki.trimEnd())],
  ['HS256 with the DER as secret', hmac(publicKey.export({type: 'spki', format: 'der'}))],
  ['HS384 with the PEM as secret', hmac(spki, 'HS384')],
  ['HS512 with the PEM as secret', hmac(spki, 'HS512')],
  ['HS256 with an empty secret', hmac('')],
  ['RS384 of our own key', signedBy('RS384', {digest: 'sha384', key: privateKey})],
  ['RS512 of our own key', signedBy('RS512', {digest: 'sha512', key: privateKey})],
  ['PS256 of our own key', signedBy('PS256', {digest: 'sha256', key: privateKey, padding: 6, saltLength: 32})],
  ['ES256', signedBy('ES256', {digest: 'sha256', key: ec.privateKey, dsaEncoding: 'ieee-p1363'})],
  [
    'RS256 in the header, SHA-512 in the signature',
    `${head}.${payload}.${sign('sha512', Buffer.from(`${head}.${payload}`), privateKey).toString('base64url')}`,
  ],
  ['another key', token(mine, undefined, other.privateKey)],
  ['another key that it brings itself', token(mine, {alg: 'RS256', jwk: other.publicKey.export({format: 'jwk'})}, other.privateKey)],
  ['another key under an address it brings itself', token(mine, {alg: 'RS256', jku: 'https://a.example/keys', kid: 'x'}, other.privateKey)],
  [
    'another key with a certificate it brings itself',
    token(mine, {alg: 'RS256', x5u: 'https://a.example', x5c: ['AAAA']}, other.privateKey),
  ],
  ['a kid that is a path', token(mine, {alg: 'RS256', kid: '../../../dev/null'}, other.privateKey)],
  ['crit', token(mine, {alg: 'RS256', crit: ['exp'], exp: now + 60})],
  ['crit that is empty', token(mine, {alg: 'RS256', crit: []})],
  ['crit that is null', token(mine, {alg: 'RS256', crit: null})],
  ['b64 false, by crit', token(mine, {alg: 'RS256', crit: ['b64'], b64: false})],
  ['an altered payload', `${head}.${encode({...mine, sub: 'admin'})}.${signature}`],
  ['an altered header', `${encode({alg: 'RS256', typ: 'JWT', x: 1})}.${payload}.${signature}`],
  ['a shortened signature', valid.slice(0, -4)],
  ['a lengthened signature', `${valid}AAAA`],
  ['no signature', `${head}.${payload}.`],
  ['no third part', `${head}.${payload}`],
  ['a fourth part', `${valid}.AAAA`],
  ['five parts, as if encrypted', `${valid}.AAAA.AAAA`],
  ['no parts', '..'],
  ['one word', 'secret'],
  ['padding', `${head}.${payload}.${signature}==`],
  ['base64 instead of base64url', `${head}.${payload}.${Buffer.from(signature, 'base64url').toString('base64').replaceAll('=', '')}+/`],
  ['space inside', `${head}. ${payload}.${signature}`],
  ['two tokens joined by a comma', `${valid}, ${valid}`],
  ['the scheme twice', `Bearer ${valid}`],
  ['a header that is no JSON', `${encode('{alg:RS256}')}.${payload}.${signature}`],
  ['a header that is null', token(mine, null)],
  ['a header that is a list', token(mine, ['RS256'])],
  ['a header that is a text', token(mine, '"RS256"')],
  ['a payload that is no JSON', token('{broken')],
  ['a payload that is null', token('null')],
  ['a payload that is a text', token('"text"')],
  ['a payload that is a number', token('7')],
  ['a payload that is true', token('true')],
  ['a payload that is a list', token('[]')],
  ['a payload that is a list of claims', token([mine])],
  ['a payload that is empty', token('')],
  ['more than 8 KiB', token({...mine, filler: 'x'.repeat(8192)})],
  ['expired a second ago', timed({exp: now - 1})],
  ['expires now', timed({exp: now})],
  ['expired at 0', timed({exp: 0})],
  ['expired before 1970', timed({exp: -1})],
  ['an expiry that is a text', timed({exp: String(now + 60)})],
  ['an expiry that is null', timed({exp: null})],
  ['an expiry that is true', timed({exp: true})],
  ['an expiry that is a list', timed({exp: [now + 60]})],
  ['an expiry that is an object', timed({exp: {}})],
  ['an expiry that is infinite', token(`{"exp":1e400,${JSON.stringify(mine).slice(1)}`)],
  ['not valid before a second from now', timed({nbf: now + 1})],
  ['a start that is a text', timed({nbf: '0'})],
  ['a start that is null', timed({nbf: null})],
  ['a start that is infinite', token(`{"nbf":-1e400,${JSON.stringify(mine).slice(1)}`)],
  ['issued a second from now', timed({iat: now + 1})],
  ['issued in a year', timed({iat: now + 31_536_000})],
  ['an issue time that is a text', timed({iat: 'now'})],
  ['an issue time that is null', timed({iat: null})],
  ['no claim', token({})],
  ['a claim of null', withClaim(null)],
  ['no entries', withClaim([])],
  ['two entries', withClaim([mine.application_claim[0], mine.application_claim[0]])],
  ['two entries, the second foreign', withClaim([mine.application_claim[0], {application_id: 'app-2'}])],
  ['an entry without a list', withClaim(mine.application_claim[0])],
  ['an entry that is null', withClaim([null])],
  ['an entry that is a text', withClaim(['app-1'])],
  ['an entry that is a list', withClaim([['app-1']])],
  ['a list-like object', withClaim({0: mine.application_claim[0], length: 1})],
  ['an id that is a number', withClaim([{application_id: 1}])],
  ['an id that is a list', withClaim([{application_id: ['app-1']}])],
  ['an id that is an object', withClaim([{application_id: {}, namespace_id: 'ns-1'}])],
  ['an id that is false', withClaim([{application_id: 'app-1', namespace_id: false}])],
  ['a claim under __proto__', token(`{"__proto__":${JSON.stringify(mine)}}`)],
  ['a claim under another case', token({Application_Claim: mine.application_claim})],
];

const forbidden: [title: string, token: string][] = [
  ['another function', withClaim([{namespace_id: 'ns-1', application_id: 'app-2'}])],
  ['another namespace', withClaim([{namespace_id: 'ns-2', application_id: 'app-1'}])],
  ['another namespace alone', withClaim([{namespace_id: 'ns-2'}])],
  ['our ids swapped', withClaim([{namespace_id: 'app-1', application_id: 'ns-1'}])],
  ['no ids', withClaim([{}])],
  ['empty ids', withClaim([{namespace_id: '', application_id: ''}])],
  ['ids that are null', withClaim([{namespace_id: null, application_id: null}])],
  ['ids under __proto__', token('{"application_claim":[{"__proto__":{"application_id":"app-1"}}]}')],
  ['an id in another case', withClaim([{application_id: 'APP-1'}])],
  ['an id with space', withClaim([{application_id: 'app-1 '}])],
  ['the last of a repeated id', token('{"application_claim":[{"application_id":"app-1","application_id":"app-2"}]}')],
];

const good: [title: string, token: string][] = [
  ['both ids', valid],
  ['the function alone', withClaim([{application_id: 'app-1'}])],
  ['the namespace alone', withClaim([{namespace_id: 'ns-1'}])],
  ['the namespace and an empty function', withClaim([{namespace_id: 'ns-1', application_id: ''}])],
  ['the function and a namespace of null', withClaim([{namespace_id: null, application_id: 'app-1'}])],
  ['more members in the claim', withClaim([{application_id: 'app-1', x: 1}])],
  ['no expiry', timed({})],
  ['an expiry a second from now', timed({exp: now + 1})],
  ['an expiry with a fraction', timed({exp: now + 0.5})],
  ['a far expiry', timed({exp: 1e15})],
  ['valid from now', timed({nbf: now})],
  ['issued now', timed({iat: now})],
  ['issued long ago', timed({iat: 0})],
  ['a kid that nobody knows', token(mine, {alg: 'RS256', kid: 'unknown'})],
  ['a kid that is a number', token(mine, {alg: 'RS256', kid: 7})],
  ['another type', token(mine, {alg: 'RS256', typ: 'at+jwt'})],
  ['no type', token(mine, {alg: 'RS256'})],
  ['a key that it brings itself but was signed by ours', token(mine, {alg: 'RS256', jwk: other.publicKey.export({format: 'jwk'})})],
  ['nearly 8 KiB', token({...mine, filler: 'x'.repeat(5000)})],
];

const verdict = async (given: string, some: Partial<Claims> = {}, keys: KeySource = fixedKey(publicKey)): Promise<FaultCode | 'ok'> => {
  try {
    await verifier(keys, {...claims, ...some}, clock)(given);
    return 'ok';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
};

for (const [title, given] of invalid) test(`401 for a token with ${title}`, async t => t.is(await verdict(given), 'AUTH_INVALID'));
for (const [title, given] of forbidden) test(`403 for a token with ${title}`, async t => t.is(await verdict(given), 'AUTH_FORBIDDEN'));
for (const [title, given] of good) test(`accepts a token with ${title}`, async t => t.is(await verdict(given), 'ok'));

test('without ids of ours nobody is let in', async t => {
  const ours = {applicationId: '', namespaceId: ''};
  for (const [, given] of good) t.is(await verdict(given, ours), 'AUTH_FORBIDDEN');
  t.is(await verdict(withClaim([{namespace_id: '', application_id: ''}]), ours), 'AUTH_FORBIDDEN');
});

test('with one id of ours only a claim of that one lets in', async t => {
  t.is(await verdict(valid, {namespaceId: ''}), 'AUTH_FORBIDDEN');
  t.is(await verdict(withClaim([{application_id: 'app-1'}]), {namespaceId: ''}), 'ok');
});

test('without a usable key every token gets 500, whatever it is', async t => {
  for (const given of [valid, 'secret', 'x'.repeat(10_000)]) t.is(await verdict(given, {}, fixedKey(undefined)), 'AUTH_NOT_CONFIGURED');
});

test('a key set without the token’s key gets 401, and is asked for the token’s kid', async t => {
  const asked: unknown[] = [];
  const keys: KeySource = {
    async find(keyId) {
      asked.push(keyId);
      return keyId === 'mine' ? ours : undefined;
    },
  };
  t.is(await verdict(valid, {}, keys), 'AUTH_INVALID');
  t.is(await verdict(token(mine, {alg: 'RS256', kid: 'other'}), {}, keys), 'AUTH_INVALID');
  t.is(await verdict(token(mine, {alg: 'RS256', kid: 'mine'}), {}, keys), 'ok');
  t.is(await verdict(token(mine, {alg: 'RS256', kid: {}}), {}, keys), 'AUTH_INVALID');
  t.deepEqual(asked, [undefined, 'other', 'mine', undefined]);
});

test('a token over 8 KiB is refused unread, one of exactly 8 KiB is not', async t => {
  const keys: KeySource = {find: async keyId => (keyId === undefined ? ours : undefined)};
  t.is(await verdict(`${valid.slice(0, -1)}${'A'.repeat(8193 - valid.length + 1)}`, {}, keys), 'AUTH_INVALID');
  const filler = [...Array(8192).keys()].find(length => token({...mine, filler: 'x'.repeat(length)}).length >= 8190) ?? 0;
  t.is(await verdict(token({...mine, filler: 'x'.repeat(filler)})), 'ok');
});

test('the clock difference that is forgiven moves every limit by that much and no further', async t => {
  const lenient = {clockToleranceMs: 30_000};
  t.is(await verdict(timed({exp: now - 30}), lenient), 'AUTH_INVALID');
  t.is(await verdict(timed({exp: now - 29}), lenient), 'ok');
  t.is(await verdict(timed({nbf: now + 31}), lenient), 'AUTH_INVALID');
  t.is(await verdict(timed({nbf: now + 30}), lenient), 'ok');
  t.is(await verdict(timed({iat: now + 31}), lenient), 'AUTH_INVALID');
  t.is(await verdict(timed({iat: now + 30}), lenient), 'ok');
});

test('an expiry can be required', async t => {
  t.is(await verdict(valid, {requireExpiry: true}), 'AUTH_INVALID');
  t.is(await verdict(timed({exp: now + 60}), {requireExpiry: true}), 'ok');
});

test('issuer and audience can be required', async t => {
  const required = {issuer: 'https://id.example', audience: 'functions'};
  t.is(await verdict(valid, required), 'AUTH_INVALID');
  t.is(await verdict(timed({iss: 'https://evil.example', aud: 'functions'}), required), 'AUTH_INVALID');
  t.is(await verdict(timed({iss: 'https://id.example', aud: 'others'}), required), 'AUTH_INVALID');
  t.is(await verdict(timed({iss: ['https://id.example'], aud: 'functions'}), required), 'AUTH_INVALID');
  t.is(await verdict(timed({iss: 'https://id.example', aud: 'functions'}), required), 'ok');
  t.is(await verdict(timed({iss: 'https://id.example', aud: ['x', 'functions']}), required), 'ok');
});

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

const unreachable = async (): Promise<never> => {
  throw new Error('This must not be reached');
};

/** Which token the stage reads out of the fields, and what it remembers. */
async function read(fields: Record<string, string>) {
  const ctx = stageContext(new FakeDelivery(), fields);
  let token: string | undefined;
  await auth(async given => {
    token = given;
    return {subject: 'someone'};
  })(ctx, async () => {});
  return {token, credential: ctx.state.principal?.credential};
}

test('a request without a token is refused before the next stage', async t => {
  const without: Record<string, string>[] = [
    {},
    {authorization: ''},
    {authorization: 'Bearer'},
    {authorization: 'Bearer '},
    {authorization: 'Basic dTpw'},
    {authorization: valid},
    {'x-auth-token': '', 'scw-functions-token': '  '},
    {'x-token': valid},
  ];
  for (const fields of without) {
    await t.throwsAsync(auth(unreachable)(stageContext(new FakeDelivery(), fields), unreachable), {
      instanceOf: Fault,
      code: 'AUTH_MISSING',
    });
  }
});

test('a token that is refused stops the chain', async t => {
  const refusing = auth(async () => {
    throw new Fault('AUTH_FORBIDDEN');
  });
  const ctx = stageContext(new FakeDelivery(), {'x-auth-token': 'x'});
  await t.throwsAsync(refusing(ctx, unreachable), {code: 'AUTH_FORBIDDEN'});
  t.is(ctx.state.principal, undefined);
});

test('the first field that is not empty counts', async t => {
  const all = {'scw-functions-token': 'a', scw_functions_token: 'b', 'x-auth-token': 'c', authorization: 'Bearer d'};
  t.deepEqual(await read(all), {token: 'a', credential: 'scw-functions-token'});
  t.deepEqual(await read({...all, 'scw-functions-token': ''}), {token: 'b', credential: 'scw_functions_token'});
  t.deepEqual(await read({...all, 'scw-functions-token': ' ', scw_functions_token: ''}), {token: 'c', credential: 'x-auth-token'});
  t.deepEqual(await read({authorization: 'Bearer d'}), {token: 'd', credential: 'authorization'});
  t.deepEqual(await read({authorization: 'bEARER   d '}), {token: 'd', credential: 'authorization'});
});

test('a field given twice fails as malformed', async t => {
  const stage = auth(verifier(fixedKey(publicKey), claims, clock));
  for (const fields of [{'x-auth-token': `${valid}, ${valid}`}, {authorization: `Bearer ${valid}, Bearer ${valid}`}]) {
    await t.throwsAsync(stage(stageContext(new FakeDelivery(), fields), unreachable), {code: 'AUTH_INVALID'});
  }
});

test('who is refused without a token may get an answer of the trigger’s instead', async t => {
  const delivery = new FakeDelivery({anonymousReply: {status: 204, headers: ['A', 'b'], body: ''}});
  await auth(unreachable)(stageContext(delivery), unreachable);
  t.deepEqual(delivery.replies, [{status: 204, headers: ['A', 'b', 'Core-Invocation-Id', 'id-1'], body: ''}]);
  const given = stageContext(delivery, {authorization: 'Bearer x'});
  await t.throwsAsync(
    auth(async () => {
      throw new Fault('AUTH_INVALID');
    })(given, unreachable),
    {code: 'AUTH_INVALID'},
  );
  t.is(delivery.replies.length, 1);
});

test('a delivery that brings its own principal passes, without a look at its fields', async t => {
  for (const stage of [auth(unreachable), authPublic()]) {
    const ctx = stageContext(new FakeDelivery({principal: {subject: 'cron'}}), {authorization: 'Bearer x'});
    let passed = 0;
    await stage(ctx, async () => void passed++);
    t.is(passed, 1);
    t.deepEqual(ctx.state.principal, {subject: 'cron'});
  }
});

test('a public function lets everybody in, and every field stays the function’s', async t => {
  const ctx = stageContext(new FakeDelivery(), {authorization: 'Bearer x'});
  let passed = 0;
  await authPublic()(ctx, async () => void passed++);
  t.is(passed, 1);
  t.deepEqual(ctx.state.principal, {subject: 'public'});
});

test('every refusal has a cause for the log, with nothing of the token in it', async t => {
  const verify = verifier(fixedKey(ours.key), claims, clock);
  for (const [title, given] of [...invalid, ...forbidden]) {
    const fault = await t.throwsAsync<Fault>(verify(given), {instanceOf: Fault}, title);
    const cause = fault?.cause instanceof Error ? fault.cause.message : fault?.cause;
    if (typeof cause !== 'string') return t.fail(`${title}: no cause`);
    for (const part of given.split('.').filter(({length}) => length > 8)) t.false(cause.includes(part), title);
  }
  const without = await t.throwsAsync<Fault>(async () => auth(verify)(stageContext(new FakeDelivery()), async () => {}), {
    instanceOf: Fault,
  });
  t.regex(String(without?.cause), /^no token came in SCW-Functions-Token/);
});
