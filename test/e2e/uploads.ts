import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {uploadsSuite} from '../helpers/uploads-suite.ts';

const functions = projectFile('test/fixtures/functions/core');

uploadsSuite({title: 'node', env: {SCW_HANDLER_PATH: `${functions}/uploads.mjs`}});

test('a function whose bridge takes bodies only whole is not called with one that is to come', async t => {
  const env = {
    SCW_PUBLIC: 'true',
    SCW_RUNTIME_BINARY: process.execPath,
    SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/channel-sub-runtime.cjs'),
    SCW_HANDLER_PATH: `${functions}/uploads.mjs`, // it looks whether the file exists
    CORE_PROTOCOL: 'stream',
  };
  const core = await startCore(env, t);
  const refused = await ask(core.url, {method: 'POST', body: 'hello'});
  t.is(refused.status, 502);
  t.regex(refused.text(), /CORE_PROTOCOL=stream is for functions that read bodies as they come/);
  t.deepEqual((await ask(core.url)).headers.get('core-error'), ['HANDLER_FAILED'], 'without a body it is called, and misses one');
});

test('the Request of a fetch handler has the body as it comes', async t => {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: `${functions}/uploads-fetch.mjs`, CORE_PROTOCOL: 'stream'};
  const core = await startCore(env, t);
  const body = Buffer.alloc(3_000_000);
  t.is((await ask(core.url, {method: 'POST', body, chunked: true})).text(), '3000000');
  t.is((await ask(core.url)).text(), '0');
  t.is((await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: 'hello'})).status, 200);
});

test('bodies do not stream over HTTP', async t => {
  const env = {SCW_HANDLER_PATH: `${functions}/uploads.mjs`, CORE_PROTOCOL: 'stream', CORE_HOP: 'http'};
  await t.throwsAsync(startCore(env, t), {message: /CORE_PROTOCOL: expected `event` with CORE_HOP=http/});
});
