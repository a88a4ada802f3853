import {once} from 'node:events';
import http, {type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {openKeySet} from '../../src/http/key-set/key-set.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {first, jwk, keySet, same, second} from '../helpers/key-set.ts';

const slow: [title: string, answer: RequestListener][] = [
  ['never answers', () => {}],
  ['sends a byte now and then', (_request, response) => drip(response)],
  ['sends a head and nothing else', (_request, response) => response.writeHead(200).flushHeaders()],
];
for (const [title, answer] of slow) {
  test(`an endpoint that ${title} is given five seconds, and callers share the wait`, async t => {
    const {set, served, clock, log} = await keySet(t, []);
    const asked = Promise.withResolvers<void>();
    served.answer = (request, response) => {
      answer(request, response);
      asked.resolve();
    };
    let settled = 0;
    const callers = Array.from({length: 20}, () => set.find('one').finally(() => settled++));
    await asked.promise;
    await clock.advance(4999);
    t.is(settled, 0);
    await clock.advance(1);
    t.deepEqual(new Set(await Promise.all(callers)), new Set(['none']));
    t.is(served.requests, 1);
    t.is(log.lines[0]?.fields.cause, 'it was not there within 5 s');
    t.is(clock.pending, 0);
  });
}

function drip(response: http.ServerResponse): void {
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}

test('a thousand callers wait for the keys; one more is asked to come again', async t => {
  const {set, served, serve} = await keySet(t, []);
  const answer = Promise.withResolvers<void>();
  serve([jwk(first.publicKey, {kid: 'one'})]);
  const {answer: next} = served;
  served.answer = async (request, response) => {
    await answer.promise;
    next(request, response);
  };
  const callers = Array.from({length: 1000}, () => set.find('one'));
  await t.throwsAsync(set.find('one'), {code: 'AUTH_BUSY'});
  answer.resolve();
  for (const key of await Promise.all(callers)) same(t, key, first.publicKey);
  same(t, await set.find('one'), first.publicKey);
});

test('an answer that is compressed is not read: a small one could become a large one', async t => {
  const {set, served} = await keySet(t, []);
  served.answer = (_request, response) =>
    response.writeHead(200, {'content-encoding': 'gzip'}).end(gzipSync(JSON.stringify({keys: [jwk(first.publicKey, {kid: 'one'})]})));
  t.is(await set.find('one'), 'none');
});

test('the proxy of the environment is asked, but not for hosts that NO_PROXY names', async t => {
  const {served, server} = await keySet(t, []);
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const asked: string[] = [];
  const proxy = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify({keys: [jwk(second.publicKey, {kid: 'one'})]}));
  });
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const through = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const find = (url: string, env: Record<string, string>) =>
    openKeySet({
      url,
      fallback: undefined,
      maxAgeMs: 60_000,
      env,
      clock: new ManualClock(),
      log: recordingLog(),
      meter: recordingMeter(),
    }).find('one', 'RS256');
  for (const name of ['HTTP_PROXY', 'http_proxy']) same(t, await find(target, {[name]: through}), second.publicKey);
  same(t, await find('http://keys.example/set', {HTTP_PROXY: through}), second.publicKey);
  t.is(await find('https://keys.example/set', {HTTP_PROXY: through, HTTPS_PROXY: through}), 'none');
  t.deepEqual(asked, [target, target, 'http://keys.example/set', 'keys.example:443']);
  t.is(served.requests, 0);
  t.is(await find(target, {HTTP_PROXY: through, NO_PROXY: 'other.example,127.0.0.1'}), 'none');
  t.is(await find(target, {HTTP_PROXY: through, no_proxy: '*'}), 'none');
  t.is(await find(target, {HTTPS_PROXY: through}), 'none');
  t.is(served.requests, 3);
  t.is(asked.length, 4);
});

for (const proxy of ['http://me:secret@127.0.0.1:1', 'http://me:secret@[bad', 'http://me:secret%ZZ@127.0.0.1:1']) {
  test(`with a proxy that cannot be reached there is no key, and its password is not logged: ${proxy}`, async t => {
    const log = recordingLog();
    const options = {
      fallback: undefined,
      maxAgeMs: 60_000,
      env: {HTTPS_PROXY: proxy},
      clock: new ManualClock(),
      log,
      meter: recordingMeter(),
    };
    t.is(await openKeySet({url: 'https://keys.example/set', ...options}).find('one', 'RS256'), 'none');
    t.truthy(log.lines[0]?.fields.cause);
    t.notRegex(JSON.stringify(log.lines), /secret/);
  });
}
