import type {RequestListener} from 'node:http';
import test from 'ava';
import {first, jwk, keySet, refusing, same, second, third} from '../helpers/key-set.ts';

const failing: [title: string, answer: RequestListener][] = [
  ['403', refusing],
  ['404', (_request, response) => response.writeHead(404).end('{"keys":[]}')],
  ['500', (_request, response) => response.writeHead(500).end()],
  ['503, come again in a day', (_request, response) => response.writeHead(503, {'retry-after': '86400'}).end()],
  ['a redirect', (_request, response) => response.writeHead(302, {location: '/elsewhere'}).end()],
  ['garbage', (_request, response) => response.end('<html>')],
  ['an object without keys', (_request, response) => response.end('{}')],
  [
    'half a body',
    (_request, response) => void response.writeHead(200, {'content-length': '100'}).write('{"keys":', () => response.destroy()),
  ],
  ['no answer', request => request.destroy()],
];
for (const [title, answer] of failing) {
  test(`while the endpoint gives ${title}, the last keys count until they are too old, and then no more`, async t => {
    const {set, served, clock, log, meter} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {maxAgeMs: 1_800_000});
    same(t, await set.find('one'), first.publicKey);
    served.answer = answer;
    await clock.advance(1_799_999);
    same(t, await set.find('one'), first.publicKey);
    t.is(await set.find('two'), undefined);
    await clock.advance(1);
    t.is(await set.find('one'), 'none');
    t.is(log.lines.filter(({level}) => level === 'error').length, 1);
    t.true(meter.calls.some(([name]) => name === 'keySetFailed'));
    await clock.advance(30_000);
    t.is(await set.find('one'), 'none');
  });
}

test('after a long silence the first caller waits for a fetch, so that a withdrawn key lets nobody in', async t => {
  for (const silenceMs of [600_000, 86_400_000]) {
    const {set, clock, serve} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
    same(t, await set.find('one'), first.publicKey);
    serve([jwk(second.publicKey, {kid: 'two'})]);
    await clock.advance(silenceMs);
    t.is(await set.find('one'), undefined);
    same(t, await set.find('two'), second.publicKey);
  }
});

test('time while the machine was suspended counts, and a clock that is set back makes no key younger', async t => {
  const {set, served, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {maxAgeMs: 1_800_000});
  same(t, await set.find('one'), first.publicKey);
  served.answer = refusing;
  const wallMs = clock.now();
  clock.setWall(wallMs - 86_400_000);
  same(t, await set.find('one'), first.publicKey);
  await clock.advance(1_799_999);
  same(t, await set.find('one'), first.publicKey);
  await clock.advance(1);
  t.is(await set.find('one'), 'none');

  const suspended = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {maxAgeMs: 1_800_000});
  same(t, await suspended.set.find('one'), first.publicKey);
  suspended.served.answer = refusing;
  suspended.clock.setWall(suspended.clock.now() + 1_800_000); // the monotonic clock stood still
  t.is(await suspended.set.find('one'), 'none');
});

test('while the endpoint is down it is asked at most every 30 seconds', async t => {
  const {set, served, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  await set.find('one');
  served.answer = refusing;
  await clock.advance(600_000);
  for (let second = 0; second < 120; second++) {
    same(t, await set.find('one'), first.publicKey);
    await clock.advance(1000);
  }
  t.true(served.requests <= 11, `${served.requests} requests`);
});

test('keys that were too old count again once they are fetched', async t => {
  const {set, served, clock, log, serve} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {maxAgeMs: 60_000});
  await set.find('one');
  served.answer = refusing;
  await clock.advance(60_000);
  t.is(await set.find('one'), 'none');
  serve([jwk(first.publicKey, {kid: 'one'})]);
  await clock.advance(1000);
  same(t, await set.find('one'), first.publicKey);
  t.is(log.lines.at(-1)?.message, 'The key set was fetched again');
});

test('the key of the settings counts while the set is too old', async t => {
  const {set, served, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})], {fallback: third.publicKey, maxAgeMs: 60_000});
  same(t, await set.find('one'), first.publicKey);
  served.answer = refusing;
  await clock.advance(60_000);
  same(t, await set.find('one'), third.publicKey);
  t.is(await set.find('one', 'ES256'), undefined);
});

test('the age of the set is given in seconds, before its first fetch since the start', async t => {
  const {set, clock, age} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  await clock.advance(7000);
  t.is(age(), 7);
  await set.find('one');
  t.is(age(), 0);
  await clock.advance(90_000);
  t.is(age(), 90);
});
