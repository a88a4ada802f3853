import {generateKeyPairSync} from 'node:crypto';
import {readFileSync} from 'node:fs';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import jwt from 'jsonwebtoken';
import {joinSettings} from '../../src/settings/config.ts';
import {triggers} from '../../triggers/index.ts';
import {projectFile, type RunningCore, refuseCore, startCore} from '../helpers/core.ts';
import {openReceiver} from '../helpers/otlp.ts';
import {type Answer, ask, askRaw} from '../helpers/request.ts';

/*
Every secret of a caller and of the operator is marked; then everything that leaves the core is searched for the marks.
*/

const mark = (what: string) => `canary-${what}-0b5e55ed`;
const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const claim = {application_claim: [{application_id: 'app-1', namespace_id: 'ns-1'}]};
const sign = (payload: object) => jwt.sign(payload, privateKey, {algorithm: 'RS256'});
const pem = String(publicKey.export({type: 'spki', format: 'pem'})).replaceAll('\n', '\\n');

/** Settings that hold secrets, and other variables that do, each with its mark in it. */
const secrets: Record<string, string> = {
  SCW_PUBLIC_KEY: `${mark('key')}\\n${pem}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${mark('otlp')}`,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: `x-api-key=${mark('otlp-traces')}`,
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: `x-api-key=${mark('otlp-metrics')}`,
};

for (const {name, secret} of Object.values(joinSettings(triggers))) {
  if (secret) secrets[name] ??= mark(name.toLowerCase().replaceAll('_', '-'));
}

/** What a caller may send, each with a mark. A valid token carries its mark as its subject. */
const callers = {
  'X-Api-Key': mark('api-key'),
  Cookie: `session=${mark('cookie')}`,
  'Proxy-Authorization': `Basic ${mark('proxy')}`,
  'X-Custom': mark('field'),
};

async function openProduct(t: ExecutionContext, env: Record<string, string>) {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  let stdout = '';
  const core = await startCore(
    {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'), CORE_LOG_LEVEL: 'debug', ...receiver.env, ...env},
    t,
  );
  return {
    core,
    receiver,
    async everything() {
      const metrics = (await ask(`${core.adminUrl}/metrics`)).text() + (await ask(`${core.adminUrl}/readyz`)).text();
      await core.stop();
      for (const line of core.logs) if (line.source !== 'function') stdout += `${JSON.stringify(line)}\n`;
      return {logs: stdout + core.stderr(), metrics, spans: JSON.stringify(receiver.spans)};
    },
  };
}

const marks = (text: string) => [...new Set(text.match(/canary-[a-z-]+-0b5e55ed/g))];

/** The environment of every process that the core started. */
function environments(core: RunningCore): string {
  const children = readFileSync(`/proc/${core.pid}/task/${core.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.map(pid => readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8')).join('\0');
}

const lookFor = (answers: readonly Answer[]) => answers.map(answer => `${JSON.stringify([...answer.headers])}${answer.text()}`).join('\n');

test('of a private function’s secrets none leaves where it does not belong', async t => {
  const {core, everything} = await openProduct(t, {
    ...secrets,
    SCW_APPLICATION_ID: 'app-1',
    SCW_NAMESPACE_ID: 'ns-1',
    CORE_AUTH_AUDIENCE: 'us',
  });
  t.is(marks(JSON.stringify(secrets)).length, Object.keys(secrets).length);
  const good = sign({...claim, aud: 'us', sub: mark('subject')});
  const bad = [
    mark('token'),
    `${mark('token')}.${mark('token')}.${mark('token')}`,
    sign({...claim, aud: mark('audience')}),
    sign({application_claim: [{application_id: mark('application')}], aud: 'us'}),
    jwt.sign({...claim, sub: mark('subject')}, mark('hmac')),
    sign({...claim, aud: 'us', exp: 1, sub: mark('subject')}),
  ];
  const target = `${core.url}/there?secret=${mark('query')}`;
  const refused: Answer[] = [];
  for (const token of bad) {
    for (const headers of [{'X-Auth-Token': token}, {Authorization: `Bearer ${token}`}, {'SCW-Functions-Token': token}]) {
      refused.push(
        await ask(target, {method: 'POST', headers: {...callers, ...headers, Accept: 'application/problem+json'}, body: mark('body')}),
      );
    }
  }
  refused.push(await ask(target, {headers: {...callers, Authorization: `Basic ${mark('basic')}`}}));
  // What a handler throws is its own words, for the caller and the log; these two repeat nothing of the request.
  const failing = (what: string) =>
    ask(`${target}&do=${what}`, {method: 'POST', headers: {...callers, 'X-Auth-Token': good}, body: mark('body')});
  refused.push(await failing('throw'), await failing('reject'));
  refused.push(await ask(target, {headers: {...callers, 'X-Auth-Token': good, SCW_TRIGGER_TYPE: mark('trigger')}}));
  refused.push(await ask(`${core.url}/%zz?secret=${mark('query')}`, {headers: {...callers, 'X-Auth-Token': good}}));
  refused.push(
    await ask(target, {method: 'POST', headers: {...callers, 'X-Auth-Token': good}, body: Buffer.alloc(7_000_000, mark('body'))}),
  );
  const raw = await askRaw(core.url, `POST /?q=${mark('query')} HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${mark('api-key')}\x00\r\n\r\n`);
  t.true(refused.every(({status}) => status >= 400));
  t.deepEqual(marks(lookFor(refused) + raw), [], 'in an error’s answer');

  const served = await ask(target, {method: 'POST', headers: {...callers, Authorization: `Bearer ${good}`}, body: mark('body')});
  t.deepEqual(
    marks(served.text()).sort(),
    [mark('api-key'), mark('body'), mark('cookie'), mark('field'), mark('query')],
    'in the function’s own event',
  );
  t.false(served.text().includes(good.slice(0, 40)), 'the token that let the caller in');
  const printed = await ask(`${target}&do=env`, {headers: {'X-Auth-Token': good}});
  t.deepEqual(marks(printed.text() + environments(core)), [], 'in the function’s environment');
  t.false(environments(core).includes(pem.slice(40, 80)));

  const {logs, metrics, spans} = await everything();
  t.true(spans.length > 1000 && logs.length > 500 && metrics.length > 1000);
  t.deepEqual(marks(logs), [], 'in the log');
  t.deepEqual(marks(spans), [], 'in a span');
  t.deepEqual(marks(metrics), [], 'in the metrics');
  for (const token of [good, ...bad.slice(2)]) t.false((logs + metrics + spans).includes(token.slice(-60)), 'a token');
});

test('of a public function’s callers everything reaches the function, and nothing else', async t => {
  const {core, everything} = await openProduct(t, {SCW_PUBLIC: 'true', ...secrets});
  const token = sign({...claim, sub: mark('subject')});
  const answer = await ask(`${core.url}/?secret=${mark('query')}`, {
    method: 'POST',
    headers: {...callers, Authorization: `Bearer ${token}`, 'X-Auth-Token': mark('token')},
    body: mark('body'),
  });
  t.true(answer.text().includes(token));
  t.deepEqual(marks(answer.text()).sort(), [mark('api-key'), mark('body'), mark('cookie'), mark('field'), mark('query'), mark('token')]);
  t.deepEqual(marks(environments(core)), []);
  const {logs, metrics, spans} = await everything();
  t.deepEqual(marks(logs + metrics + spans), []);
});

test('the collector alone gets what is meant for it', async t => {
  const seen = new Set<string>();
  const collector = http.createServer((request, response) => {
    for (const found of marks(JSON.stringify(request.headers))) seen.add(found);
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => collector.close());
  const {port} = collector.address() as AddressInfo;
  const core = await startCore(
    {
      ...secrets,
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    },
    t,
  );
  await ask(core.url);
  await core.stop();
  t.deepEqual([...seen].sort(), [mark('otlp'), mark('otlp-traces')].filter(name => seen.has(name)).sort());
  t.true(seen.size > 0);
  collector.closeAllConnections();
});

test('a start that is refused shows no secret', async t => {
  const {stderr, code} = await refuseCore({
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
    SCW_PUBLIC_KEY: mark('key'),
    CORE_TIMEOUT: 'soon',
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${mark('otlp')}`,
  });
  t.is(code, 78);
  t.deepEqual(marks(stderr), []);
});
