import http, {type IncomingMessage} from 'node:http';
import net from 'node:net';
import test from 'ava';
import jwt from 'jsonwebtoken';
import type {RunningCore} from '../helpers/core.ts';
import {countsOf, settledOf, startPassing, toldBy, untilCounts} from '../helpers/passthrough.ts';
import {read} from '../helpers/reply.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs, openGate} from '../helpers/supervision.ts';
import {privateKey, publicKey} from '../helpers/tokens.ts';
import {Wire} from '../helpers/wire.ts';

// CORE_PROTOCOL=http: bodies that pass through piece by piece, who waits for whom, and what ends them.

let core: RunningCore;

test.before(async () => {
  core = await startPassing({CORE_STREAM_IDLE: '1s', SCW_PAYLOAD_MAX_SIZE: '64MiB', CORE_METRICS_PATH: ''});
  await countsOf(core.url); // the server has started, which no deadline of a call counts
});
test.after.always(() => core?.stop());

/** Asks, and resolves with the head. */
function begin(path: string, options: http.RequestOptions = {}): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(core.url + path, {agent: false, ...options}, resolve).once('error', reject);
  return promise;
}

const idOf = (reply: IncomingMessage) => ({field: (name: string) => String(reply.headers[name] ?? '')});

test.serial('a server that has not answered by the deadline is a 504, and learns that nobody waits', async t => {
  const {left} = await countsOf(core.url);
  const asked = ask(`${core.url}/wait`, {headers: {'Core-Timeout': '500ms'}});
  await untilCounts(core.url, ({calls}) => calls > 0); // it answers others meanwhile
  const answer = await asked;
  t.is(answer.status, 504);
  t.is(answer.field('core-error'), 'UPSTREAM_TIMEOUT');
  await untilCounts(core.url, counts => counts.left > left);
  t.like(await settledOf(core, answer), {outcome: 'expired', status: 504});
});

test.serial('an answer that is silent for too long behind its head is broken off', async t => {
  const reply = await begin('/events');
  t.is(reply.headers['content-type'], 'text/event-stream');
  t.deepEqual(await read(reply), {text: 'data: 0\n\n', isWhole: false});
  t.like(await settledOf(core, idOf(reply)), {outcome: 'expired', code: 'UPSTREAM_TIMEOUT', status: 200, streamedBytes: 9});
});

test.serial('a caller who leaves before the head ends the request of the server', async t => {
  const {left, calls} = await countsOf(core.url);
  const request = http.get(`${core.url}/wait`, {agent: false}).on('error', () => {});
  await untilCounts(core.url, counts => counts.calls > calls);
  request.destroy();
  await untilCounts(core.url, counts => counts.left > left);
  await metricIs(core, 'faas_inflight', 0);
  t.pass();
});

test.serial('a caller who leaves behind the head ends the answer of the server', async t => {
  const {left} = await countsOf(core.url);
  const reply = await begin('/events');
  await new Promise(resolve => reply.once('data', resolve));
  reply.destroy();
  await untilCounts(core.url, counts => counts.left > left);
  t.like(await settledOf(core, idOf(reply)), {outcome: 'cancelled', code: 'CALLER_LEFT', status: 200});
});

test.serial('a reader who does not read holds the server up, and costs the core no memory', async t => {
  const {left} = await countsOf(core.url);
  const socket = net.connect(Number(new URL(core.url).port), 'localhost');
  socket.pause();
  socket.write('GET /flood HTTP/1.1\r\nHost: a\r\n\r\n');
  let before = -1;
  // It is held up once nothing has been written between two looks.
  await untilCounts(core.url, ({written, blocked}) => {
    const isHeldUp = blocked > 0 && written === before;
    before = written;
    return isHeldUp;
  });
  t.true(before < 64 * 2 ** 20, `${before} bytes are on the way`);
  t.true((await metric(core, 'core_inflight_bytes{kind="stream"}')) <= 512 * 2 ** 10);
  socket.destroy();
  await untilCounts(core.url, counts => counts.left > left);
});

test.serial('pieces pass in both directions at once', async t => {
  const {promise, resolve} = Promise.withResolvers<IncomingMessage>();
  const request = http.request(`${core.url}/pipe`, {method: 'POST', agent: false}, resolve);
  request.write('one');
  const reply = await promise;
  const next = () => new Promise<string>(resolve => reply.once('data', chunk => resolve(String(chunk))));
  t.is(await next(), 'one');
  const second = next();
  request.write('two');
  t.is(await second, 'two');
  request.end();
  reply.resume();
  await new Promise(resolve => reply.once('end', resolve));
  t.like(await settledOf(core, idOf(reply)), {outcome: 'responded', receivedBytes: 6, streamedBytes: 6});
});

test.serial('a client that ends in the middle of its body ends the request of the server', async t => {
  const {promise, resolve} = Promise.withResolvers<IncomingMessage>();
  const request = http.request(`${core.url}/pipe`, {method: 'POST', agent: false, headers: {'Content-Length': '100'}}, resolve);
  request.on('error', () => {});
  request.write('part');
  const reply = await promise;
  reply.on('error', () => {});
  request.destroy();
  t.like(await settledOf(core, idOf(reply)), {status: 200, receivedBytes: 4});
});

test.serial('an answer that comes before the body is read leaves, and ends the connection', async t => {
  const answer = await ask(`${core.url}/early`, {method: 'POST', body: Buffer.alloc(8 * 2 ** 20)});
  t.is(answer.status, 413);
  t.is(answer.text(), 'too much');
  t.is(answer.field('connection'), 'close');
  t.is(answer.field('core-error'), '');
});

test.serial('100 Continue comes from the server, and so does a refusal in its place', async t => {
  const wire = new Wire(core.url);
  await wire.write('POST /told HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  while (!wire.received.includes('100 Continue')) await new Promise(resolve => wire.socket.once('data', resolve));
  await wire.write('hi');
  while (!wire.received.includes('"body":"aGk="')) await new Promise(resolve => wire.socket.once('data', resolve));
  t.is(wire.received.toString('latin1').match(/100 Continue/g)?.length, 1);
  wire.destroy();
  const refused = new Wire(core.url);
  await refused.write('POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  await refused.closed;
  t.regex(refused.received.toString('latin1'), /^HTTP\/1\.1 413 /);
});

test.serial('interim answers arrive before the answer', async t => {
  const early =
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi';
  const wire = new Wire(core.url);
  await wire.write(`GET /raw/${Buffer.from(early).toString('base64url')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await wire.closed;
  t.regex(wire.received.toString('latin1'), /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test.serial('an interim answer may have fields of any name', async t => {
  const early =
    'HTTP/1.1 103 Early Hints\r\nconstructor: a\r\n__proto__: b\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi';
  const wire = new Wire(core.url);
  await wire.write(`GET /raw/${Buffer.from(early).toString('base64url')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await wire.closed;
  t.regex(wire.received.toString('latin1'), /^HTTP\/1\.1 103 Early Hints\r\nconstructor: a\r\n__proto__: b\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test.serial('a server that dies before its answer is a 502; behind the head the answer breaks off; then it serves again', async t => {
  const answer = await ask(`${core.url}/exit`);
  t.is(answer.status, 502);
  t.is(answer.field('core-error'), 'UPSTREAM_LOST');
  t.is((await ask(`${core.url}/status/201`)).status, 201);
  const reply = await begin('/exit-later');
  t.deepEqual(await read(reply), {text: 'first', isWhole: false});
  t.like(await settledOf(core, idOf(reply)), {outcome: 'failed', code: 'UPSTREAM_LOST', status: 200});
  t.is((await ask(`${core.url}/status/201`)).status, 201);
});

test.serial('a server that is killed within an answer without length and chunks does not end it cleanly', async t => {
  for (let times = 0; times < 5; times++) {
    const reply = await begin('/killed-later');
    t.deepEqual(await read(reply), {text: 'first', isWhole: false});
    t.like(await settledOf(core, idOf(reply)), {outcome: 'failed', code: 'UPSTREAM_LOST', status: 200});
    t.is((await ask(`${core.url}/status/201`)).status, 201);
  }
});

test.serial('a server that is blocked is replaced, and the next calls are served', async t => {
  const own = await startPassing({CORE_TIMEOUT: '1s'}, t);
  t.is((await ask(`${own.url}/spin`)).status, 504);
  while ((await ask(`${own.url}/status/201`)).status !== 201);
  await own.logged(({msg}) => /did not end within CORE_TIMEOUT/.test(msg));
  t.pass();
});

test.serial('a stop waits for the answers that are on their way', async t => {
  const gate = await openGate(t);
  const stopping = await startPassing({}, t);
  const path = `/gate/${Buffer.from(gate.headers['X-Gate']).toString('base64url')}`;
  const {promise, resolve} = Promise.withResolvers<IncomingMessage>();
  http.get(stopping.url + path, {agent: false}, resolve);
  const reply = await promise;
  await gate.running();
  stopping.kill('SIGTERM');
  await stopping.logged(({msg}) => msg === 'Stopping');
  await gate.open();
  t.deepEqual(await read(reply), {text: 'firstlast', isWhole: true});
  t.is(await stopping.exited, 0);
  t.like(await stopping.logged(({msg}) => msg === 'Stopped'), {accepted: 1, completed: 1, lost: 0});
});

test.serial('a private function lets callers with a token in, and keeps the token to itself', async t => {
  const key = publicKey.export({type: 'spki', format: 'pem'}) as string;
  const own = await startPassing({SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: key, SCW_APPLICATION_ID: 'app-1', SCW_NAMESPACE_ID: 'ns-1'}, t);
  t.is((await ask(`${own.url}/told`)).status, 401);
  const claim = {application_claim: [{namespace_id: 'ns-1', application_id: 'app-1'}]};
  const token = jwt.sign(claim, privateKey, {algorithm: 'RS256'});
  const told = await toldBy(
    own.url,
    `GET /told HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ${token}\r\nAuthorization: its own\r\nConnection: close\r\n\r\n`,
  );
  t.false(told.headers.includes('X-Auth-Token'));
  t.true(told.headers.includes('its own'));
});

test.serial('an occurrence of a schedule is a POST with its input; anything but a success is its failure', async t => {
  const schedules = [{name: 'beat', cron: '* * * * * *', input: {a: 'é'}}];
  const own = await startPassing({CORE_SCHEDULES: JSON.stringify(schedules)}, t);
  await untilCounts(own.url, ({last}) => last?.headers.includes('Core-Event-Type') === true);
  const {last} = await countsOf(own.url);
  t.like(last, {method: 'POST', url: '/'});
  t.is(Buffer.from(last.body, 'base64').toString(), '{"a":"é"}');
  t.is(last.headers[last.headers.indexOf('Core-Event-Type') + 1], 'cron');
  t.like(JSON.parse(last.headers[last.headers.indexOf('Core-Event-Context') + 1] ?? ''), {schedule: {name: 'beat'}});
  t.is(last.headers[last.headers.indexOf('Content-Type') + 1], 'application/json');
});
