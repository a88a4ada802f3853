import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import http, {type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import * as jose from 'jose';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

// A private function whose callers bring tokens of an OpenID provider.

const provider = {iss: 'https://id.example', aud: 'functions'};
const handler = {
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
  CORE_AUTH_ISSUER: provider.iss,
  CORE_AUTH_AUDIENCE: provider.aud,
};
const [rsa, p256, p384] = [
  generateKeyPairSync('rsa', {modulusLength: 2048}),
  generateKeyPairSync('ec', {namedCurve: 'P-256'}),
  generateKeyPairSync('ec', {namedCurve: 'P-384'}),
];
const jwk = (key: KeyObject, more: object) => ({...key.export({format: 'jwk'}), use: 'sig', ...more});
const keys = [
  jwk(rsa.publicKey, {kid: 'rs'}),
  jwk(rsa.publicKey, {kid: 'ps', alg: 'PS256'}),
  jwk(p256.publicKey, {kid: 'es', alg: 'ES256'}),
  jwk(p384.publicKey, {kid: 'es384'}),
];

async function openEndpoint(t: ExecutionContext) {
  const endpoint = {answer: ((_request, response) => response.end(JSON.stringify({keys}))) as RequestListener};
  const server = http.createServer((request, response) => endpoint.answer(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(endpoint, {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`});
}

const token = (alg: string, kid: string, key: KeyObject, claims: object = provider) =>
  new jose.SignJWT({...claims}).setProtectedHeader({alg, kid}).setExpirationTime('1h').sign(key);
const call = async (url: string, bearer: string) => (await ask(url, {headers: {authorization: `Bearer ${bearer}`}})).status;

test('tokens of an OpenID provider let in, signed with any algorithm of its key set, and others do not', async t => {
  const endpoint = await openEndpoint(t);
  const core = await startCore({...handler, CORE_JWKS_URL: endpoint.url}, t);
  t.is(await call(core.url, await token('RS256', 'rs', rsa.privateKey, {...provider, aud: 'another'})), 401);
  t.is(await call(core.url, await token('RS256', 'rs', rsa.privateKey, {...provider, iss: 'https://another.example'})), 401);
  t.is(await call(core.url, await token('PS256', 'rs', rsa.privateKey)), 401);
  t.is(await call(core.url, await token('RS256', 'ps', rsa.privateKey)), 401);
  t.is(await call(core.url, await token('RS256', 'rs', rsa.privateKey)), 200);
  t.is(await call(core.url, await token('PS256', 'ps', rsa.privateKey)), 200);
  t.is(await call(core.url, await token('ES256', 'es', p256.privateKey)), 200);
  t.is(await call(core.url, await token('ES384', 'es384', p384.privateKey)), 200);
});

test('keys that cannot be fetched any more count until they are too old, and the metrics and the log say so', async t => {
  const endpoint = await openEndpoint(t);
  const core = await startCore({...handler, CORE_JWKS_URL: endpoint.url, CORE_JWKS_MAX_AGE: '1s'}, t);
  const bearer = await token('ES256', 'es', p256.privateKey);
  t.is(await call(core.url, bearer), 200);
  endpoint.answer = (_request, response) => response.writeHead(404).end();
  let status = 200;
  while (status === 200) status = await call(core.url, bearer);
  t.is(status, 500);
  await core.logged(({level, msg}) => level === 'error' && /CORE_JWKS_MAX_AGE/.test(msg));
  const metrics = (await ask(`${core.adminUrl}/metrics`)).text();
  t.regex(metrics, /^core_key_set_failures_total [1-9]/m);
  t.regex(metrics, /^core_key_set_age_seconds [1-9]/m);
});
