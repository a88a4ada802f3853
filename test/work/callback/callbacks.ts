import {once} from 'node:events';
import http, {type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {buffer} from 'node:stream/consumers';
import test, {type ExecutionContext} from 'ava';
import {type CallbackOptions, Callbacks} from '../../../src/work/callback/callbacks.ts';
import {signedFields} from '../../../src/work/callback/sign.ts';
import {readCallbackHosts} from '../../../src/work/callback-hosts.ts';
import {ManualClock, settle} from '../../helpers/clock.ts';
import {recordingLog} from '../../helpers/fakes.ts';

interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

const key = Buffer.alloc(32, 1);
const reply = {status: 201, headers: ['Content-Type', 'application/json', 'X-Secret', 'a'], body: Buffer.from('{"a":1}')};
const read = async () => reply;

/** A receiver of its own, and callbacks that may go to it. The name `hooks.example.com` leads there, too. */
async function receiver(
  t: ExecutionContext,
  answer: (response: ServerResponse, number: number) => void,
  some: Partial<CallbackOptions> = {},
) {
  const received: Received[] = [];
  const arrived = new EventTarget();
  const server = http.createServer(async (request, response) => {
    received.push({request, body: await buffer(request)});
    answer(response, received.length);
    arrived.dispatchEvent(new Event('request'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const clock = new ManualClock();
  const log = recordingLog();
  const hosts = readCallbackHosts('http://127.0.0.1,http://hooks.example.com');
  if (!hosts) throw new TypeError('Expected hosts');
  const callbacks = new Callbacks({
    hosts,
    keys: [key],
    clock,
    log,
    random: () => 1,
    isAllowed: () => true,
    resolve: (_host, _options, found) => found(null, [{address: '127.0.0.1', family: 4}]),
    ...some,
  });
  t.teardown(async () => {
    await callbacks[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });
  const item = {id: 'i1', callback: `http://127.0.0.1:${port}/done?token=hidden`};
  return {callbacks, received, clock, log, port, item, arrived};
}

const answering = (status: number, headers: http.OutgoingHttpHeaders = {}) => {
  return (response: ServerResponse) => void response.writeHead(status, headers).end('ignored');
};

for (const [title, some, url, cause] of [
  ['an address on loopback', {}, 'http://127.0.0.1:PORT/', '127.0.0.1 is not a public address'],
  ['a name that leads to loopback', {}, 'http://hooks.example.com:PORT/', /^hooks\.example\.com has the address 127\.0\.0\.1, which/],
  [
    'a name of which one address is private',
    {
      resolve: (_host, _options, found) =>
        found(null, [
          {address: '8.8.8.8', family: 4},
          {address: '::ffff:127.0.0.1', family: 6},
        ]),
    },
    'http://hooks.example.com:PORT/',
    /has the address ::ffff:127\.0\.0\.1/,
  ],
  [
    'a host that is not listed',
    {isAllowed: () => true},
    'http://other.example.com:PORT/',
    /^its address names the host other\.example\.com/,
  ],
] as const satisfies readonly (readonly [string, Partial<CallbackOptions>, string, unknown])[]) {
  test(`${title} gets nothing, and is not tried again`, async t => {
    const {isAllowed, ...more}: Partial<CallbackOptions> = some;
    const {callbacks, received, log, port, item} = await receiver(t, answering(200), {...more, isAllowed: isAllowed ?? notLoopback});
    t.is(await callbacks.deliver({...item, callback: url.replace('PORT', String(port))}, read), 'failed');
    t.is(received.length, 0);
    const [line] = log.lines;
    t.is(line?.level, 'error');
    t.regex(String(line?.fields.cause), cause instanceof RegExp ? cause : new RegExp(`^${cause}$`));
  });
}

const notLoopback = (address: string) => !address.includes('127.');

test('over TLS the address that was found is connected to, and nothing is sent to a receiver without TLS', async t => {
  const {callbacks, received, port} = await receiver(t, answering(200));
  const tried = await callbacks.attempt({id: 'i1', callback: `https://hooks.example.com:${port}/`}, read, 1);
  t.like(tried, {kind: 'retry'});
  t.regex('cause' in tried ? tried.cause : '', /SSL|EPROTO|socket/i);
  t.is(received.length, 0);
});

test('a reply that is not kept any more is not posted', async t => {
  const {callbacks, received, item} = await receiver(t, answering(200));
  t.is(await callbacks.deliver(item, async () => undefined), 'failed');
  t.is(received.length, 0);
});

test('a redirect is not followed', async t => {
  const {callbacks, received, item} = await receiver(t, answering(307, {location: '/elsewhere'}));
  t.like(await callbacks.attempt(item, read, 1), {kind: 'retry', cause: 'the receiver answered with status 307'});
  t.deepEqual(
    received.map(({request}) => request.url),
    ['/done?token=hidden'],
  );
});

test('a receiver that is gone is not asked again', async t => {
  const {callbacks, received, item} = await receiver(t, answering(410));
  t.is(await callbacks.deliver(item, read), 'failed');
  t.is(received.length, 1);
});

test('a receiver that does not answer is given ten seconds', async t => {
  const {callbacks, clock, item, arrived} = await receiver(t, () => {});
  const asked = once(arrived, 'request');
  const tried = callbacks.attempt(item, read, 1);
  await asked;
  await clock.advance(9999);
  t.is(clock.pending, 1);
  await clock.advance(1);
  t.deepEqual(await tried, {kind: 'retry', afterMs: 1000, cause: 'there was no answer within 10 s'});
  t.is(clock.pending, 0);
});

test('nobody who listens is tried again, and the address is not logged', async t => {
  const {callbacks, log, item} = await receiver(t, answering(200));
  const tried = await callbacks.attempt({...item, callback: 'http://127.0.0.1:1/?token=hidden'}, read, 2);
  t.like(tried, {kind: 'retry', afterMs: 2000});
  t.regex('cause' in tried ? tried.cause : '', /ECONNREFUSED/);
  t.false(JSON.stringify(log.lines).includes('hidden'));
});

test('after eight tries, each later than the one before, it is given up', async t => {
  const {callbacks, received, clock, log, item, arrived} = await receiver(t, answering(404));
  const waits: number[] = [];
  const delivered = callbacks.deliver(item, read);
  for (let number = 1; number < 8; number++) {
    if (received.length < number) await once(arrived, 'request');
    while (clock.pending !== 1 || log.lines.length < number) await settle();
    waits.push(Number(log.lines.at(-1)?.fields.afterMs));
    await clock.advance(waits.at(-1) ?? 0);
  }
  t.is(await delivered, 'failed');
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]);
  t.is(received.length, 8);
  t.like(log.lines.at(-1), {level: 'error', fields: {invocationId: 'i1', host: '127.0.0.1', tries: 8}});
  t.is(new Set(received.map(({request}) => request.headers['webhook-id'])).size, 1);
  t.is(new Set(received.map(({request}) => request.headers['webhook-timestamp'])).size, 8);
});

test('a receiver says when to come again', async t => {
  const {callbacks, item} = await receiver(t, answering(503, {'retry-after': '90'}));
  t.like(await callbacks.attempt(item, read, 1), {kind: 'retry', afterMs: 90_000});
});

test('what waits when the core ends is told so, and what is on its way is broken off', async t => {
  const {callbacks, clock, item, received, arrived} = await receiver(
    t,
    (response, number) => number === 1 && response.writeHead(500).end(),
  );
  const waiting = callbacks.deliver(item, read);
  await once(arrived, 'request');
  while (clock.pending !== 1) await settle();
  const asked = once(arrived, 'request');
  const underway = callbacks.deliver(item, read);
  await asked;
  await callbacks[Symbol.asyncDispose]();
  t.deepEqual(await Promise.all([waiting, underway, callbacks.deliver(item, read)]), ['stopped', 'stopped', 'stopped']);
  t.is(received.length, 2);
  t.is(clock.pending, 0);
});

test('only so many are on their way at a time', async t => {
  const held: ServerResponse[] = [];
  const {callbacks, item, arrived} = await receiver(t, response => void held.push(response), {atOnce: 2});
  const all = Array.from({length: 5}, () => callbacks.deliver(item, read));
  let most = 0;
  for (let answered = 0; answered < 5; answered++) {
    while (held.length < Math.min(2, 5 - answered)) await once(arrived, 'request');
    most = Math.max(most, held.length);
    held.shift()?.writeHead(204).end();
  }
  t.deepEqual(new Set(await Promise.all(all)), new Set(['delivered']));
  t.is(most, 2);
});

test('a reply is posted once, signed, with its status, its type and nothing else of it', async t => {
  const {callbacks, received, clock, log, item} = await receiver(t, answering(202));
  t.is(await callbacks.deliver(item, read), 'delivered');
  const [{request, body} = t.fail() as never] = received;
  t.is(received.length, 1);
  t.is(request.method, 'POST');
  t.deepEqual(body, reply.body);
  t.like(request.headers, {
    'content-type': 'application/json',
    'content-length': '7',
    'core-status': '201',
    'core-invocation-id': 'i1',
    'user-agent': 'core-runtime',
    'x-secret': undefined,
    ...signedFields('i1', clock.now(), reply.body, [key]),
  });
  t.deepEqual(log.lines, []);
});

test('a reply without a body or a type is posted, too, by name, and under an id of its own', async t => {
  const {callbacks, received, port} = await receiver(t, answering(200));
  const item = {id: 'i1', webhookId: 'i1-2', callback: `http://hooks.example.com:${port}/`};
  t.is(await callbacks.deliver(item, async () => ({status: 500, headers: [], body: ''})), 'delivered');
  const {headers} = received[0]?.request ?? t.fail();
  t.like(headers, {
    'content-length': '0',
    'content-type': undefined,
    'core-status': '500',
    'webhook-id': 'i1-2',
    'core-invocation-id': 'i1',
  });
  t.is(headers.host, `hooks.example.com:${port}`);
});

test('a host that gives no answer takes the places of others once, and is tried again after a while', async t => {
  let isBack = false;
  const {callbacks, received, clock, port, arrived} = await receiver(t, response => isBack && void response.writeHead(204).end(), {
    atOnce: 2,
  });
  const post = (id: string, host: string) => callbacks.attempt({id, callback: `http://${host}:${port}/`}, read, 1);
  const hanging = ['a', 'b'].map(id => post(id, '127.0.0.1'));
  while (received.length < 2) await once(arrived, 'request');
  const behind = Array.from({length: 20}, (_, number) => post(String(number), '127.0.0.1'));
  const other = post('other', 'hooks.example.com');
  isBack = true;
  await clock.advance(10_000);
  for (const one of hanging) t.like(await one, {kind: 'retry', cause: 'there was no answer within 10 s'});
  for (const one of behind) t.deepEqual(await one, {kind: 'retry', afterMs: 60_000, cause: 'the receiver gave no answer to others'});
  t.like(await other, {kind: 'delivered'});
  t.is(received.length, 3, 'nothing was sent to the silent host meanwhile');
  t.like(await callbacks.attempt({id: 'last', callback: `http://127.0.0.1:${port}/`}, read, 8), {kind: 'failed'});
  await clock.advance(30_000);
  const [first, second] = await Promise.all([post('a', '127.0.0.1'), post('b', '127.0.0.1')]);
  t.is(first?.kind, 'delivered');
  t.is(second?.kind, 'retry', 'there was one try to see whether it is back');
  t.is((await post('b', '127.0.0.1')).kind, 'delivered');
});
