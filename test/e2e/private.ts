import {generateKeyPairSync, randomUUID} from 'node:crypto';
import test from 'ava';
import jwt from 'jsonwebtoken';
import {projectFile, type RunningCore, refuseCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const applicationId = randomUUID();
const namespaceId = randomUUID();
const handler = {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror')};
const pem = publicKey.export({type: 'pkcs1', format: 'pem'}) as string;
let core: RunningCore;

test.before(async () => {
  core = await startCore({
    ...handler,
    SCW_PUBLIC_KEY: pem.replaceAll('\n', '\\n'),
    SCW_APPLICATION_ID: applicationId,
    SCW_NAMESPACE_ID: namespaceId,
  });
});
test.after.always(() => core?.stop());

const token = (claim: unknown = [{namespace_id: namespaceId, application_id: applicationId}]) =>
  jwt.sign({application_claim: claim}, privateKey, {algorithm: 'RS256'});

test('without a token the caller is unauthorized, on the metrics too', async t => {
  for (const path of ['/', '/metrics']) {
    const answer = await ask(core.url + path);
    t.is(answer.status, 401);
    t.is(answer.text(), 'Unauthorized\n');
    t.is(answer.field('www-authenticate'), 'Bearer');
  }
});

test('a text that is not a token is not valid', async t => {
  const answer = await ask(core.url, {headers: {'X-Auth-Token': 'a.b.c'}});
  t.is(answer.status, 401);
  t.is(answer.text(), 'authorization token not valid\n');
});

test('the same header twice is not valid, even with good tokens', async t => {
  const answer = await ask(core.url, {headers: ['SCW-Functions-Token', token(), 'SCW-Functions-Token', token()]});
  t.is(answer.status, 401);
});

test('a token for another function is forbidden', async t => {
  const answer = await ask(core.url, {headers: {Authorization: `Bearer ${token([{application_id: randomUUID()}])}`}});
  t.is(answer.status, 403);
  t.is(answer.text(), 'Forbidden\n');
});

for (const field of ['SCW-Functions-Token', 'SCW_FUNCTIONS_TOKEN', 'X-Auth-Token', 'Authorization']) {
  test(`a good token in ${field} lets in, and the function does not see it`, async t => {
    const value = field === 'Authorization' ? `Bearer ${token()}` : token();
    const answer = await ask(core.url, {headers: {[field]: value, 'X-Other': 'seen'}});
    t.is(answer.status, 200);
    const {headers} = answer.json().event;
    t.is(headers['X-Other'], 'seen');
    t.false(JSON.stringify(headers).includes(token().slice(0, 30)));
  });
}

test('the first field that is not empty counts', async t => {
  const answer = await ask(core.url, {headers: {'SCW-Functions-Token': '', 'X-Auth-Token': 'bad', Authorization: `Bearer ${token()}`}});
  t.is(answer.status, 401);
});

test('a preflight without a token learns what it may send', async t => {
  const answer = await ask(core.url, {method: 'OPTIONS', headers: {Origin: 'https://a', 'Access-Control-Request-Method': 'POST'}});
  t.is(answer.status, 204);
  t.is(answer.field('access-control-allow-methods'), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
  t.is(answer.field('access-control-allow-headers'), 'Content-Type, Authorization, X-Auth-Token, SCW-Functions-Token');
  t.is(answer.field('access-control-max-age'), '600');
  t.truthy(answer.field('core-invocation-id'));
  t.is((await ask(core.url, {method: 'OPTIONS'})).status, 401);
});

test('the body of a refused caller is not read', async t => {
  const answer = await ask(core.url, {method: 'POST', body: Buffer.alloc(8_000_000)});
  t.is(answer.status, 401);
});

test('without a key the answer to every token says that the setup is wrong', async t => {
  const unkeyed = await startCore(handler, t);
  try {
    const answer = await ask(unkeyed.url, {headers: {'X-Auth-Token': token()}});
    t.is(answer.status, 500);
    t.is(answer.text(), 'function runtime not setup correctly\n');
    t.is((await ask(unkeyed.url)).status, 401);
    t.true(unkeyed.logs.some(({level, msg}) => level === 'warn' && /SCW_PUBLIC_KEY/.test(msg)));
  } finally {
    await unkeyed.stop();
  }
});

test('a key that cannot be read stops the start and is not shown', async t => {
  const {code, stderr} = await refuseCore({...handler, SCW_PUBLIC_KEY: 'my secret text'});
  t.is(code, 78);
  t.regex(stderr, /^core-runtime: SCW_PUBLIC_KEY: expected a PEM block/);
  t.notRegex(stderr, /my secret/);
});

test('only the word true opens the function', async t => {
  const shut = await startCore({...handler, SCW_PUBLIC: 'TRUE'}, t);
  try {
    t.is((await ask(shut.url)).status, 401);
    t.true(shut.logs.some(({level, msg}) => level === 'warn' && msg.startsWith('SCW_PUBLIC is `TRUE` and counts as false')));
  } finally {
    await shut.stop();
  }
});

test('at debug the log says why a caller was refused, without the token', async t => {
  const told = await startCore(
    {
      ...handler,
      SCW_PUBLIC_KEY: pem.replaceAll('\n', '\\n'),
      SCW_APPLICATION_ID: applicationId,
      SCW_NAMESPACE_ID: namespaceId,
      CORE_LOG_LEVEL: 'debug',
    },
    t,
  );
  const other = token([{application_id: randomUUID()}]);
  for (const [headers, code, cause] of [
    [{}, 'AUTH_MISSING', /^no token came/],
    [{'X-Auth-Token': 'a.b.c'}, 'AUTH_INVALID', /^it is not a JSON Web Token/],
    [{Authorization: `Bearer ${other}`}, 'AUTH_FORBIDDEN', /^its claim is not for SCW_APPLICATION_ID$/],
  ] as const) {
    const answer = await ask(told.url, {headers});
    const line = await told.logged(({invocationId}) => invocationId === answer.field('core-invocation-id'));
    t.like(line, {level: 'debug', code});
    t.regex(String(line.cause), cause);
  }
  t.false(JSON.stringify(told.logs).includes(other.slice(0, 40)));
  t.is(await told.stop(), 0);
});
