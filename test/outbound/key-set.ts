import {createPublicKey, generateKeyPairSync, type KeyObject} from 'node:crypto';
import {once} from 'node:events';
import http, {type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import {pipeline} from 'node:stream/promises';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {openKeySet} from '../../src/http/key-set/key-set.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';

const pair = (bits = 2048) => generateKeyPairSync('rsa', {modulusLength: bits});
const [first, second, third] = [pair(), pair(), pair()];
const jwk = (key: KeyObject, more: object = {}) => ({...key.export({format: 'jwk'}), ...more});

type Found = Awaited<ReturnType<ReturnType<typeof openKeySet>['find']>>;
const same = (t: ExecutionContext, found: Found, key: KeyObject) => t.true(typeof found === 'object' && found.key.equals(key));

/** A key set on a server of the test's own; `answer` may be replaced. */
async function keySet(
  t: ExecutionContext,
  keys: unknown,
  {fallback, maxAgeMs = 3_600_000}: {fallback?: KeyObject; maxAgeMs?: number} = {},
) {
  const served = {
    requests: 0,
    answer: ((_request, response) => response.end(JSON.stringify({keys}))) as RequestListener,
  };
  const server = http.createServer((request, response) => {
    served.requests++;
    served.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = new ManualClock();
  const log = recordingLog();
  const meter = recordingMeter();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const set = openKeySet({url, fallback, maxAgeMs, env: {}, clock, log, meter});
  return {
    served,
    clock,
    log,
    server,
    meter,
    /** Seconds, as the metric says it. */
    age: (meter.calls.find(([name]) => name === 'keySetAge') as [string, () => number])[1],
    /** Finds keys for RS256 unless told otherwise. */
    set: {find: (keyId: string | undefined, algorithm: string | undefined = 'RS256') => set.find(keyId, algorithm)},
    serve: (next: unknown[]) => {
      served.answer = (_request, response) => response.end(JSON.stringify({keys: next}));
    },
  };
}

/** Answers that got does not try again. */
const refusing: RequestListener = (_request, response) => response.writeHead(403).end();

test('an answer that is no key set leaves no key, and is logged', async t => {
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

test('keys rotate: a new one is found when a token names it, one that was withdrawn counts no more', async t => {
  const {set, clock, serve} = await keySet(t, [jwk(first.publicKey, {kid: 'one'}), jwk(second.publicKey, {kid: 'two'})]);
  same(t, await set.find('one'), first.publicKey);
  serve([jwk(second.publicKey, {kid: 'two'}), jwk(third.publicKey, {kid: 'three'})]);
  await clock.advance(30_000);
  same(t, await set.find('three'), third.publicKey);
  same(t, await set.find('two'), second.publicKey);
  t.is(await set.find('one'), undefined);
});

test('a known key serves on while the set is fetched again after five minutes', async t => {
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

test('a token without a key id takes the only key, of several none', async t => {
  const one = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  same(t, await one.set.find(undefined), first.publicKey);
  const two = await keySet(t, [jwk(first.publicKey, {kid: 'one'}), jwk(second.publicKey, {kid: 'two'})]);
  t.is(await two.set.find(undefined), undefined);
  const nameless = await keySet(t, [jwk(first.publicKey)]);
  same(t, await nameless.set.find(undefined), first.publicKey);
});

test('the key of the settings counts where the set has none', async t => {
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

test('after a silence the first caller waits for a fetch: a withdrawn key lets nobody in', async t => {
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

test('the age of the set is told in seconds, before its first fetch since the start', async t => {
  const {set, clock, age} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  await clock.advance(7000);
  t.is(age(), 7);
  await set.find('one');
  t.is(age(), 0);
  await clock.advance(90_000);
  t.is(age(), 90);
});

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

test('a thousand callers wait for the keys; who comes then is told to come again', async t => {
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
  test(`with a proxy that cannot be reached there is no key, and its password is not told: ${proxy}`, async t => {
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

const p256 = generateKeyPairSync('ec', {namedCurve: 'P-256'}).publicKey;
const p384 = generateKeyPairSync('ec', {namedCurve: 'P-384'}).publicKey;
const p521 = generateKeyPairSync('ec', {namedCurve: 'P-521'}).publicKey;
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'none', 'constructor', ''];
const ofKeys: [title: string, key: unknown, algorithm: string | undefined][] = [
  ['RSA', jwk(first.publicKey), 'RS256'],
  ['RSA for RS256', jwk(first.publicKey, {alg: 'RS256'}), 'RS256'],
  ['RSA for PS256', jwk(first.publicKey, {alg: 'PS256', use: 'sig', key_ops: ['verify']}), 'PS256'],
  ['RSA for PS512', jwk(first.publicKey, {alg: 'PS512'}), undefined],
  ['RSA for HS256', jwk(first.publicKey, {alg: 'HS256'}), undefined],
  ['RSA for none', jwk(first.publicKey, {alg: 'none'}), undefined],
  ['RSA for an algorithm that is null', jwk(first.publicKey, {alg: null}), undefined],
  ['P-256', jwk(p256), 'ES256'],
  ['P-256 for ES256', jwk(p256, {alg: 'ES256'}), 'ES256'],
  ['P-256 for ES384', jwk(p256, {alg: 'ES384'}), undefined],
  ['P-256 for RS256', jwk(p256, {alg: 'RS256'}), undefined],
  ['P-384', jwk(p384), 'ES384'],
  ['P-384 for ES256', jwk(p384, {alg: 'ES256'}), undefined],
  ['P-384 that calls itself P-256', jwk(p384, {crv: 'P-256'}), undefined],
  ['P-521', jwk(p521), undefined],
  ['P-256 for encryption', jwk(p256, {use: 'enc'}), undefined],
  ['P-256 to sign with', jwk(p256, {key_ops: ['sign']}), undefined],
  ['P-256 for operations that are no list', jwk(p256, {key_ops: 'verify'}), undefined],
  ['Ed25519', jwk(generateKeyPairSync('ed25519').publicKey), undefined],
  ['a secret', {kty: 'oct', k: 'c2VjcmV0'}, undefined],
  ['a point off the curve', {...jwk(p256), y: jwk(p256).x}, undefined],
];
for (const [title, key, algorithm] of ofKeys) {
  test(`a key of the set verifies one algorithm and no other: ${title}`, async t => {
    const {set} = await keySet(t, [{...(key as object), kid: 'one'}, jwk(third.publicKey, {kid: 'other'})]);
    for (const asked of algorithms) {
      const found = await set.find('one', asked);
      t.is(typeof found === 'object' ? String(found.algorithm) : undefined, asked === algorithm ? algorithm : undefined, asked);
    }
  });
}

test('keys of several algorithms may share an id, or have none', async t => {
  for (const named of [{kid: 'one'}, {}]) {
    const {set} = await keySet(t, [
      jwk(first.publicKey, named),
      jwk(second.publicKey, {...named, alg: 'PS256'}),
      jwk(p256, named),
      jwk(p384, named),
    ]);
    for (const kid of [undefined, ...(named.kid ? ['one'] : [])]) {
      same(t, await set.find(kid), first.publicKey);
      same(t, await set.find(kid, 'PS256'), second.publicKey);
      same(t, await set.find(kid, 'ES256'), p256);
      same(t, await set.find(kid, 'ES384'), p384);
    }
  }
});

test('a key that is still in the set stays the same object, so that tokens which it verified are not checked again', async t => {
  const {set, clock} = await keySet(t, [jwk(first.publicKey, {kid: 'one'})]);
  const before = await set.find('one');
  await clock.advance(600_000);
  t.is(await set.find('one'), before);
});
