import {writeFile} from 'node:fs/promises';
import http, {type IncomingMessage} from 'node:http';
import {join} from 'node:path';
import test from 'ava';
import {type RunningCore, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {startPassing} from '../helpers/passthrough.ts';
import {ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

// Calls that run when newer code takes over finish where they are, however often that happens; and how many versions may be left.

const handler = `
const {existsSync} = require('node:fs');
exports.handle = ({queryStringParameters: {gate}}) => gate === undefined ? 'now' : {headers: {'Content-Type': 'text/event-stream'}, body: events(gate)};
async function* events(gate) {
  yield 'data: begun\\n\\n';
  while (!existsSync(gate)) await new Promise(resolve => setTimeout(resolve, 10));
  yield 'data: over\\n\\n';
}`;

const processes = 'core_runtime_processes{place="0"}';

const reload = async (core: RunningCore) => {
  const answer = await ask(`${core.adminUrl}/api/reload`, {method: 'POST'});
  return {status: answer.status, ...answer.json()};
};

/** A stream whose first piece has come. @returns all of it, once it has ended well */
async function begin(url: string): Promise<() => Promise<string>> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(url, {agent: false}, resolve).once('error', reject);
  const reply = await promise;
  let text = '';
  const ended = new Promise<string>((whole, broken) => {
    reply.on('end', () => whole(text)).on('error', broken);
  });
  ended.catch(() => {}); // the test may look later
  await new Promise<void>(first => {
    reply.on('data', piece => {
      text += piece;
      first();
    });
  });
  return () => ended;
}

test('event streams go on across reloads, each in its own version, up to four; then a reload waits for its turn', async t => {
  const folder = await folderWith(t, {'handler.cjs': handler});
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.cjs'), CORE_CONCURRENCY: '8'}, t);
  const gate = (index: number) => join(folder, `gate-${index}`);
  const streams: (() => Promise<string>)[] = [];
  for (let index = 0; index < 4; index++) {
    streams.push(await begin(`${core.url}/?gate=${gate(index)}`));
    t.like(await reload(core), {status: 200, reloaded: true}, String(index));
  }
  t.is(await metric(core, processes), 5);
  const refused = await reload(core);
  t.is(refused.status, 409);
  t.regex(refused.cause, /callers still wait for calls in 4 processes of older code/);
  t.is((await ask(core.url)).text(), 'now');

  await writeFile(gate(0), '');
  t.is(await streams[0]?.(), 'data: begun\n\ndata: over\n\n');
  while ((await metric(core, processes)) > 4);
  t.like(await reload(core), {status: 200});
  for (let index = 1; index < 4; index++) {
    await writeFile(gate(index), '');
    t.is(await streams[index]?.(), 'data: begun\n\ndata: over\n\n');
  }
  while ((await metric(core, processes)) > 1);
  t.is(await metric(core, 'core_conservation_drift'), 0);
});

test('a stream of a server goes on across two reloads, and one that its caller leaves holds no process', async t => {
  const folder = await folderWith(t, {});
  const core = await startPassing({}, t);
  const gate = join(folder, 'gate');
  const stream = await begin(`${core.url}/gate/${Buffer.from(gate).toString('base64url')}`);
  const left = http.get(`${core.url}/events`, {agent: false});
  await new Promise(resolve => left.once('response', resolve));
  t.like(await reload(core), {status: 200});
  t.like(await reload(core), {status: 200});
  left.destroy();
  await writeFile(gate, '');
  t.is(await stream(), 'firstlast');
  while ((await metric(core, processes)) > 1);
});

test('a call of an old version that is past its deadline is not waited for', async t => {
  const folder = await folderWith(t, {'handler.cjs': handler});
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.cjs'), CORE_STREAM_TIMEOUT: '1s'};
  const core = await startCore(env, t);
  const stream = await begin(`${core.url}/?gate=${join(folder, 'never')}`);
  t.like(await reload(core), {status: 200});
  await t.throwsAsync(stream(), {code: 'ECONNRESET'});
  while ((await metric(core, processes)) > 1);
});

test('a stop breaks off what is left in old versions once its grace time is over', async t => {
  const folder = await folderWith(t, {'handler.cjs': handler});
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.cjs'), CORE_GRACE: '500ms'};
  const core = await startCore(env, t);
  const stream = await begin(`${core.url}/?gate=${join(folder, 'never')}`);
  for (let index = 0; index < 2; index++) t.like(await reload(core), {status: 200});
  const ended = core.stop();
  await t.throwsAsync(stream(), {code: 'ECONNRESET'});
  await ended;
});
