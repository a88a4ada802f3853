import {createPublicKey, generateKeyPairSync} from 'node:crypto';
import type {RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {pipeline} from 'node:stream/promises';
import test from 'ava';
import {first, jwk, keySet, pair, refusing, same, second, third} from '../helpers/key-set.ts';

test('an answer that is not a key set gives no key, and is logged', async t => {
  const answers: RequestListener[] = [
    refusing,
    (_request, response) => response.end('hello'),
    (_request, response) => response.end('null'),
    (_request, response) => response.end('[]'),
    (_request, response) => response.end('{"keys":{}}'),
  ];
  for (const answer of answers) {
    const {set, served, log} = await keySet(t, []);
    served.answer = answer;
    t.is(await set.find('one'), 'none');
    t.is(log.lines[0]?.message, 'The key set could not be fetched; it has no key that counts');
    t.is(log.lines[0]?.level, 'warn');
  }
});

test('an answer without end is given up after a mebibyte', async t => {
  const {set, served, log} = await keySet(t, []);
  let sent = 0;
  served.answer = (_request, response) => {
    pipeline(endless(), response).catch(() => {}); // the client leaves
  };
  t.is(await set.find('one'), 'none');
  t.is(log.lines.length, 1);
  t.true(sent < 2 ** 26);

  function* endless() {
    for (; sent < 2 ** 28; sent += 2 ** 16) yield ' '.repeat(2 ** 16);
  }
});

test('a redirect is not followed', async t => {
  const elsewhere = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  const {port} = elsewhere.server.address() as AddressInfo;
  const {set, served} = await keySet(t, []);
  served.answer = (_request, response) =>
    response.writeHead(302, {location: `http://127.0.0.1:${port}/keys`}).end(JSON.stringify({keys: [jwk(first.publicKey, {kid: 'one'})]}));
  t.is(await set.find('one'), 'none');
  t.is(elsewhere.served.requests, 0);
});

const unusable: [title: string, key: unknown][] = [
  ['an elliptic key', jwk(generateKeyPairSync('ec', {namedCurve: 'P-256'}).publicKey, {kid: 'one'})],
  ['a symmetric key', {kty: 'oct', k: 'c2VjcmV0', kid: 'one', alg: 'HS256'}],
  ['a key for encryption', jwk(first.publicKey, {kid: 'one', use: 'enc'})],
  ['a key for another algorithm', jwk(first.publicKey, {kid: 'one', alg: 'RS512'})],
  ['a key for PS256', jwk(first.publicKey, {kid: 'one', alg: 'PS256'})],
  ['a key of 1024 bits', jwk(pair(1024).publicKey, {kid: 'one'})],
  ['a private key', jwk(first.privateKey, {kid: 'one'})],
  ['an RSA key without its modulus', {kty: 'RSA', e: 'AQAB', kid: 'one'}],
  ['an RSA key with an odd modulus', {kty: 'RSA', e: 'AQAB', n: {a: 1}, kid: 'one'}],
  ['null', null],
  ['a text', 'RSA'],
  ['a number', 7],
];

for (const [title, key] of unusable) {
  test(`${title} in the set is ignored, its neighbours count`, async t => {
    const {set} = await keySet(t, [key, jwk(second.publicKey, {kid: 'two', use: 'sig', alg: 'RS256'})]);
    t.is(await set.find('one'), undefined);
    same(t, await set.find('two'), second.publicKey);
  });
}

test('an unknown key id makes the set be fetched again, at most every 30 seconds', async t => {
  const {set, served, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  for (let calls = 0; calls < 20; calls++) t.is(await set.find(`made-up-${calls}`), undefined);
  t.is(served.requests, 1);
  await clock.advance(29_999);
  await set.find('made-up');
  t.is(served.requests, 1);
  await clock.advance(1);
  await set.find('made-up');
  await set.find('made-up');
  t.is(served.requests, 2);
});

test('an endpoint that is down at first leaves no key until it is asked again, after pauses that grow to 30 seconds', async t => {
  const {set, served, clock, serve} = await keySet(t, []);
  served.answer = refusing;
  for (const [index, pauseMs] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
    t.is(await set.find('one'), 'none');
    await clock.advance(pauseMs - 1);
    t.is(await set.find('one'), 'none');
    t.is(served.requests, index + 1);
    await clock.advance(1);
  }
  serve([jwk(first.publicKey, {kid: 'one'})]);
  same(t, await set.find('one'), first.publicKey);
});

test('many tokens at once fetch the set once', async t => {
  const {set, served} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  for (const key of await Promise.all(Array.from({length: 20}, () => set.find('one')))) same(t, key, first.publicKey);
  t.is(served.requests, 1);
});

test('keys rotate: a new one is found when a token names it, one that was withdrawn is not used any more', async t => {
  const {set, clock, serve} = await keySet(t, [jwk(first.publicKey, {kid: 'one'}), jwk(second.publicKey, {kid: 'two'})]);
  same(t, await set.find('one'), first.publicKey);
  serve([jwk(second.publicKey, {kid: 'two'}), jwk(third.publicKey, {kid: 'three'})]);
  await clock.advance(30_000);
  same(t, await set.find('three'), third.publicKey);
  same(t, await set.find('two'), second.publicKey);
  t.is(await set.find('one'), undefined);
});

test('a known key goes on counting while the set is fetched again after five minutes', async t => {
  const {set, served, clock, serve} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  await set.find('one');
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  serve([jwk(second.publicKey, {kid: 'one'})]);
  const {answer: next} = served;
  served.answer = async (request, response) => {
    asked.resolve();
    await answer.promise;
    next(request, response);
  };
  await clock.advance(300_000);
  same(t, await set.find('one'), first.publicKey);
  await asked.promise;
  answer.resolve();
  await t.notThrowsAsync(set.find('unknown'));
  same(t, await set.find('one'), second.publicKey);
});

test('a token without a key id takes the only key, and none of several', async t => {
  const one = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  same(t, await one.set.find(undefined), first.publicKey);
  const two = await keySet(t, [jwk(first.publicKey, {kid: 'one'}), jwk(second.publicKey, {kid: 'two'})]);
  t.is(await two.set.find(undefined), undefined);
  const nameless = await keySet(t, [jwk(first.publicKey)]);
  same(t, await nameless.set.find(undefined), first.publicKey);
});

test('the key of the settings counts where the set has no key', async t => {
  const {set, served} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {fallback: third.publicKey});
  same(t, await set.find('two'), third.publicKey);
  same(t, await set.find('one'), first.publicKey);
  served.answer = refusing;
  const down = await keySet(t, [], {fallback: createPublicKey(third.publicKey.export({type: 'spki', format: 'pem'}))});
  down.served.answer = refusing;
  same(t, await down.set.find('two'), third.publicKey);
});

test('names of Object’s prototype are key ids like any other', async t => {
  const {set} = await keySet(t, [jwk(first.publicKey, {kid: '__proto__'}), jwk(second.publicKey, {kid: 'two'})]);
  t.is(await set.find('constructor'), undefined);
  same(t, await set.find('__proto__'), first.publicKey);
});
