import test from 'ava';
import type {KeySource} from '../../middleware/auth.ts';
import {fixedKey} from '../../middleware/keys.ts';
import {forbidden, good, invalid} from '../helpers/known-tokens.ts';
import {mine, now, ours, timed, token, valid, verdict, withClaim} from '../helpers/tokens.ts';

for (const [title, given] of invalid) test(`401 for a token with ${title}`, async t => t.is(await verdict(given), 'AUTH_INVALID'));
for (const [title, given] of forbidden) test(`403 for a token with ${title}`, async t => t.is(await verdict(given), 'AUTH_FORBIDDEN'));
for (const [title, given] of good) test(`accepts a token with ${title}`, async t => t.is(await verdict(given), 'ok'));

test('without the ids of this function nobody is let in', async t => {
  const ours = {applicationId: '', namespaceId: ''};
  for (const [, given] of good) t.is(await verdict(given, ours), 'AUTH_FORBIDDEN');
  t.is(await verdict(withClaim([{namespace_id: '', application_id: ''}]), ours), 'AUTH_FORBIDDEN');
});

test('with one id set, only a claim of that id lets a caller in', async t => {
  t.is(await verdict(valid, {namespaceId: ''}), 'AUTH_FORBIDDEN');
  t.is(await verdict(withClaim([{application_id: 'app-1'}]), {namespaceId: ''}), 'ok');
});

test('without a usable key every token gets 500', async t => {
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
