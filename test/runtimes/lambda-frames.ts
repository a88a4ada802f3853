import type {Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {callFrames, frame, fromCore, type Run} from '../../src/conform/channel/frames.ts';
import {type Bridge, startBridge} from '../helpers/bridge.ts';
import {projectFile} from '../helpers/core.ts';
import {isAlive} from '../helpers/process.ts';
import {openGate} from '../helpers/supervision.ts';

// What Lambda's bridge does on the channel, with a client by hand.

const client = projectFile('test/fixtures/functions/lambda/client.mjs');

async function start(t: ExecutionContext, env: Record<string, string> = {}) {
  const bridge = projectFile('runtimes/lambda/bridge.mjs');
  const args = ['2.0', 'client.handle', process.execPath, client, '$_HANDLER'];
  const b = await startBridge(t, {binary: process.execPath, bridge, args, path: client, hop: 'channel', env});
  await b.until(() => b.records.some(isReport)); // its client may have printed something before
  if (!b.calls) throw new Error('it is not on the channel');
  return {b, calls: b.calls};
}

const isReport = (record: unknown) => Object.hasOwn(Object(record), 'loaded');

let last = 0;

function runOf(path: string, {body = '', form = 0, headers = {}}: {body?: string | Buffer; form?: 0 | 1; headers?: object} = {}): Run {
  const event = {
    path,
    httpMethod: 'POST',
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: {},
    multiValueQueryStringParameters: {},
    requestContext: {eventType: 'http', requestId: 'id', identity: {sourceIp: ''}},
  };
  const context = {invocationId: `id-${++last}`};
  return {form, json: Buffer.from(JSON.stringify({event, context})), body: Buffer.from(body)};
}

const printed = (b: Bridge, line: string) => b.until(() => b.logs.some(each => each.line === line));

test.serial('lambda: it reports the client with its first request, and listens nowhere', async t => {
  const {b} = await start(t);
  t.deepEqual(b.records.find(isReport), {
    loaded: true,
    runtime: 'Lambda, by-hand/1.0',
    calls: 1,
    concurrency: 1,
  });
  await t.throwsAsync(b.send({}), {code: 'ECONNREFUSED'});
});

test.serial('lambda: a request past the limit is refused, and what cannot be written costs that call only', async t => {
  const {b, calls} = await start(t, {SCW_PAYLOAD_MAX_SIZE: '1'});
  const call = calls.open();
  calls.write(...callFrames(call.number, runOf('/text', {body: 'x'.repeat(8 * 2 ** 20 + 100)})));
  t.deepEqual(await call.outcome, {kind: 'failed', message: 'The request is too large for the bridge'});
  const odd = calls.begin({
    form: 0,
    json: Buffer.from('{"event":{"requestContext":{"eventType":"http"}},"context":{}}'),
    body: Buffer.alloc(0),
  });
  t.regex(String(Object(await odd.outcome).message), /^The event cannot be written for Lambda: /);
  t.is((await calls.begin(runOf('/text')).outcome).kind, 'result');
  t.is(b.calls?.broken, undefined);
});

test.serial(
  'lambda: calls wait for the client, in their order; one that waits can be cancelled, and PING is answered meanwhile',
  async t => {
    const {b, calls} = await start(t);
    const gate = await openGate(t);
    const first = calls.begin(runOf('/raw', {headers: gate.headers}));
    await printed(b, 'run /raw');
    const second = calls.begin(runOf('/bare'));
    const third = calls.begin(runOf('/text'));
    calls.cancel(second);
    t.is((await second.outcome).kind, 'end');
    await calls.ping();
    calls.write(frame(99, 7), frame(fromCore.cancel, 12_345)); // an unknown type; a call that is not open
    await gate.open();
    t.like(await first.outcome, {kind: 'result', form: 2, body: Buffer.from('first second')});
    t.like(await third.outcome, {kind: 'result', form: 1, body: Buffer.from('hello')});
    t.false(b.logs.some(({line}) => line === 'run /bare'));
  },
);

test.serial('lambda: a cancelled call ends when the client answers, and not before', async t => {
  const {b, calls} = await start(t);
  const gate = await openGate(t);
  const call = calls.begin(runOf('/waits', {headers: gate.headers}));
  await printed(b, 'run /waits');
  calls.cancel(call);
  await calls.ping();
  t.true(calls.isOpen(call));
  await gate.open();
  t.is((await call.outcome).kind, 'end');
});

test.serial('lambda: bodies in pieces and of any bytes arrive, and long replies wait for credit', async t => {
  const {calls} = await start(t);
  const bytes = Buffer.from(Array.from({length: 200_000}, (_, index) => index % 256));
  const call = calls.open();
  call.isWhole = true;
  calls.write(...callFrames(call.number, runOf('/event', {body: bytes, form: 1}), 7, 65_536));
  const outcome = await call.outcome;
  const {event} = JSON.parse(outcome.kind === 'result' ? outcome.body.toString() : '{}');
  t.true(event.isBase64Encoded && Buffer.from(event.body, 'base64').equals(bytes));

  for (const path of ['/large', '/flood']) {
    const long = calls.begin(runOf(path), {credit: 'none'});
    while (long.received < long.allowed) await calls.ping();
    await calls.ping();
    t.is(long.received, 262_144, path);
    calls.credit(long, 1000);
    while (long.received < long.allowed) await calls.ping();
    calls.cancel(long);
    await long.outcome;
    t.is(long.received, 263_144, path);
  }
  t.is((await calls.begin(runOf('/text')).outcome).kind, 'result');
});

test.serial('lambda: when the core ends its side the call in flight is finished, then the client ends, and the bridge with 0', async t => {
  const {b, calls} = await start(t);
  const gate = await openGate(t);
  const call = calls.begin(runOf('/waits', {headers: gate.headers}));
  await printed(b, 'run /waits');
  const pid = Number(b.logs.find(({line}) => line.startsWith('init'))?.line.split(' ')[1]);
  b.letGo();
  b.child.kill('SIGTERM');
  await gate.open();
  t.is((await call.outcome).kind, 'result');
  t.is(await b.exited, 0);
  t.false(isAlive(pid));
});

test.serial('lambda: without a core at the other end the two end', async t => {
  const {b} = await start(t);
  (b.child.stdio[4] as Socket).destroy(); // 'pipe' makes it a socket
  t.is(await b.exited, 0);
});

test.serial('lambda: it ends as its client does', async t => {
  const {b, calls} = await start(t);
  calls.begin(runOf('/exit'));
  t.is(await b.exited, 3);
  const killed = await start(t);
  process.kill(Number(killed.b.logs.find(({line}) => line.startsWith('init'))?.line.split(' ')[1]), 'SIGKILL');
  await killed.b.exited;
  t.is(killed.b.child.signalCode, 'SIGKILL');
});
