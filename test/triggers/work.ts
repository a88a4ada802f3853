import {randomUUIDv7} from 'node:crypto';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Delivery, InvocationResult} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {redactor, writeReply} from '../../src/journals/payload.ts';
import {Budget} from '../../src/limits/budget.ts';
import {Callbacks} from '../../src/work/callback/callbacks.ts';
import {readCallbackHosts} from '../../src/work/callback-hosts.ts';
import {type Poster, WorkHall} from '../../src/work/hall.ts';
import {type StoredRequest, storedPayloads} from '../../src/work/stored.ts';
import type {WorkItem} from '../../src/work.ts';
import {tickRequest} from '../../triggers/cron/tick-input.ts';
import {WorkDelivery} from '../../triggers/work/delivery.ts';
import {postOnce} from '../../triggers/work/post.ts';
import {Runner} from '../../triggers/work/runner.ts';
import {fakeHouse, recordingMeter} from '../helpers/fakes.ts';

/*
The trigger that runs work, with a function that answers as a test says, and a receiver of callbacks that really listens.
*/

const redact = redactor('');
const request = {
  shape: 'request',
  eventType: 'http',
  reply: 'http',
  method: 'POST',
  path: '/',
  query: '',
  headers: [],
  body: Buffer.alloc(0),
  sourceIp: '',
} as const;
const fine: InvocationResult = {status: 200, headers: ['Content-Type', 'text/plain'], body: 'the reply'};

interface Received {
  readonly fields: http.IncomingHttpHeaders;
  readonly body: string;
}

/** @param statuses what it answers, one after another; the last one again and again */
async function receiver(t: ExecutionContext, statuses: readonly number[]) {
  const received: Received[] = [];
  const server = http.createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    received.push({fields: incoming.headers, body});
    response.writeHead(statuses[Math.min(received.length, statuses.length) - 1] ?? 200).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise(resolve => void server.close(() => resolve(undefined))));
  return {received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`};
}

function worked(t: ExecutionContext, answer: (call: number) => InvocationResult) {
  const clock = systemClock;
  const journal = new MemoryJournal(clock);
  const hosts = readCallbackHosts('http://127.0.0.1');
  if (!hosts) throw new Error('no hosts');
  const meter = recordingMeter();
  const house = fakeHouse({
    clock,
    meter,
    journal,
    async deliver(delivery: Delivery) {
      calls++;
      const result = answer(calls);
      delivery.reply(result);
      const {fault} = result;
      if (fault && !fault.reached && delivery.defers?.()) return;
      const settled = {outcome: fault ? 'failed' : 'responded', status: result.status, durationMs: 1} as const;
      delivery.keeper?.ended({settled, payloads: [{name: `invocation.${delivery.id}/reply`, bytes: writeReply(result, redact)}]});
    },
  });
  let calls = 0;
  const poster = new Callbacks({hosts, keys: [Buffer.alloc(32)], clock, log: house.log, random: () => 0, isAllowed: () => true});
  const hall = new WorkHall(
    journal.work,
    {limits: {attempts: 3, deaths: 3}, most: 10, durability: 'buffered', isKept: () => true, poster},
    clock,
  );
  const runner = new Runner(house, hall, {concurrency: 2, random: () => 0});
  hall.runner = runner;
  t.teardown(() => runner.close());
  return {
    journal,
    budget: house.budget,
    meter,
    hall,
    runner,
    calls: () => calls,
    async send(some: Partial<WorkItem> = {}) {
      const item = {id: randomUUIDv7(), acceptedAt: clock.now(), due: clock.now(), ...some};
      const end = hall.end(item.id, 10_000, new AbortController().signal);
      const payloads = storedPayloads(item.id, {request, subject: 'somebody'}, redact);
      await hall.store.enqueue(item, {
        facts: [{type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}}],
        payloads,
        most: 10,
      });
      runner.wake();
      return {id: item.id, end: await end};
    },
  };
}

const until = async (fits: () => boolean | Promise<boolean>) => {
  while (!(await fits())) await systemClock.sleep(5);
};

test('a reply is posted to its callback until it is received, signed, and then the item is gone', async t => {
  const {received, url} = await receiver(t, [500, 204]);
  const {send, hall, journal, meter} = worked(t, () => fine);
  const {id, end} = await send({callback: url});
  t.is(end?.result?.body, 'the reply');
  await until(async () => (await hall.store.find(id)) === undefined);
  t.is(received.length, 2);
  t.deepEqual(
    meter.calls.filter(([name]) => name === 'callbackTried'),
    [
      ['callbackTried', 'retry'],
      ['callbackTried', 'delivered'],
    ],
  );
  for (const {fields, body} of received) {
    t.is(body, 'the reply');
    t.like(fields, {'core-invocation-id': id, 'core-status': '200', 'content-type': 'text/plain', 'webhook-id': id});
    t.regex(String(fields['webhook-signature']), /^v1,/);
  }
  const facts = await Array.fromAsync(journal.read(`invocation.${id}`));
  t.is(facts.at(-1)?.fact.type, 'invocation.settled', 'posting leaves no facts behind the last one');
});

test('what is sent again after it was a dead letter is another message to its receiver', async t => {
  const {received, url} = await receiver(t, [204]);
  const {send, hall, runner} = worked(t, call => (call === 1 ? {...fine, status: 500, headers: ['Core-No-Retry', 'true']} : fine));
  const {id} = await send({callback: url});
  t.like(await hall.store.find(id), {status: 'dead'});
  t.true(await hall.store.redrive(id, {facts: [{type: 'invocation.redriven', data: {deadForMs: 0}}], due: 0}));
  runner.wake();
  await until(async () => (await hall.store.find(id)) === undefined);
  t.deepEqual(
    received.map(({fields}) => [fields['core-invocation-id'], fields['webhook-id']]),
    [[id, `${id}-2`]],
  );
});

test('the span of an attempt is that of a message, or of the schedule that handed it on', t => {
  const claimed = {id: 'i', acceptedAt: 0, due: 0, status: 'running', attempts: 2, deaths: 0, epoch: 2, task: 'run'} as const;
  const subjectOf = (some: Partial<StoredRequest['request']>) => {
    const budget = new Budget(2 ** 20, systemClock);
    const share = {eventHold: budget.open('event'), replyHold: budget.openSure('reply')};
    const stored = {request: {...request, ...some}, subject: ''};
    return new WorkDelivery(claimed, stored, {signal: new AbortController().signal, share}).subject();
  };
  t.deepEqual(subjectOf({}), {trigger: 'pubsub', system: 'core-runtime', destination: 'work', id: 'i', attempt: 2});
  t.deepEqual(subjectOf(tickRequest({name: 'nightly', occurrence: '2026-01-01T00:00:00Z', body: Buffer.from('{}')})), {
    trigger: 'timer',
    name: 'nightly',
    time: '2026-01-01T00:00:00Z',
  });
});

test('a reply is charged to the account until its end is kept', async t => {
  const {send, hall, budget, journal} = worked(t, () => ({...fine, body: Buffer.alloc(3 * 2 ** 20)}));
  const held: number[] = [];
  const {settle} = hall.store;
  hall.store.settle = (claimed, settlement) => {
    held.push(budget.bytesOf('reply'));
    return settle.call(hall.store, claimed, settlement);
  };
  const {id} = await send();
  t.truthy(await journal.payload(`invocation.${id}/reply`));
  t.deepEqual(held, [3 * 2 ** 20]);
  await until(() => budget.heldBytes === 0);
});

test('a reply is charged to the account while it is posted', async t => {
  const budget = new Budget(2 ** 20, systemClock);
  const claimed = {id: 'i', acceptedAt: 0, due: 0, status: 'running', attempts: 1, deaths: 0, epoch: 2, task: 'callback'} as const;
  const bytes = writeReply(fine, redact);
  const poster: Poster = {
    async attempt(_item, read) {
      await read();
      t.is(budget.bytesOf('reply'), bytes.length);
      return {kind: 'delivered'};
    },
    async [Symbol.asyncDispose]() {},
  };
  await postOnce({...claimed, callback: 'https://example.com/'}, poster, {payload: async () => bytes, budget});
  t.is(budget.heldBytes, 0);
});

test('a receiver that is gone gets the reply once', async t => {
  const {received, url} = await receiver(t, [410]);
  const {send, hall} = worked(t, () => fine);
  const {id} = await send({callback: url});
  await until(async () => (await hall.store.find(id)) === undefined);
  t.is(received.length, 1);
});

test('what did not reach the function is tried again and costs no attempt; what failed does, until it is a dead letter', async t => {
  const fault = new Fault('POOL_BUSY');
  const busy: InvocationResult = {status: 503, headers: [], body: '', fault};
  const {send, hall, calls} = worked(t, call => (call <= 2 ? busy : {status: 500, headers: [], body: ''}));
  const {id, end} = await send();
  t.is(end?.result?.status, 500);
  t.is(calls(), 5);
  t.like(await hall.store.find(id), {status: 'dead', attempts: 3, reason: {why: 'exhausted', class: 'error', status: 500}});
});

test('what waits behind work that is cancelled starts at once', async t => {
  const {send, hall} = worked(t, () => fine);
  const head = randomUUIDv7();
  const cancelled = send({id: head, due: systemClock.now() + 3_600_000, orderingKey: 'k'});
  await until(async () => (await hall.store.census()).waiting === 1);
  const next = send({orderingKey: 'k'});
  await until(async () => (await hall.store.census()).behind === 1);
  await systemClock.sleep(20); // until it has been looked at, and nothing is due
  await hall.cancel(head, {facts: [{type: 'invocation.settled', data: {outcome: 'cancelled', status: 410, durationMs: 1}}]});
  t.deepEqual((await cancelled).end, {});
  t.is((await next).end?.result?.status, 200);
});

test('while it is paused nothing is claimed', async t => {
  const {hall, runner, send, calls} = worked(t, () => fine);
  runner.pause(true);
  const sent = send();
  await until(async () => (await hall.store.census()).waiting === 1);
  await systemClock.turn();
  t.is(calls(), 0);
  runner.pause(false);
  t.is((await sent).end?.result, fine);
});

test('the secrets of a request leave the journal with its end', async t => {
  const {send, journal} = worked(t, () => fine);
  const {id} = await send();
  t.is((await journal.payload(`invocation.${id}/secrets`))?.length, 0);
});

test('a stop lets those go who wait for work that does not run, and takes no call that is waited for', async t => {
  const {hall, runner} = worked(t, () => fine);
  const end = hall.end('waits', 60_000, new AbortController().signal);
  await runner.close();
  t.is(await end, undefined);
  t.true(runner.isClosing);
});

test('a cancel that comes while nothing runs here looks again what the item is', async t => {
  const {hall, runner, send} = worked(t, () => fine);
  runner.pause(true);
  const sent = send();
  await until(async () => (await hall.store.census()).waiting === 1);
  const [item] = await hall.store.list({limit: 1});
  const id = item?.id ?? '';
  const cancel = hall.store.cancel.bind(hall.store);
  let looks = 0;
  hall.store.cancel = async (...change) => (looks++ === 0 ? 'running' : cancel(...change));
  t.is(await hall.cancel(id, {facts: [{type: 'invocation.settled', data: {outcome: 'cancelled', status: 410, durationMs: 0}}]}), 'waiting');
  t.deepEqual((await sent).end, {});
});

test('an end that was kept but reported to have failed is told to whoever waits for it', async t => {
  const {hall, send} = worked(t, call => (call === 1 ? {status: 500, headers: [], body: ''} : fine));
  for (const change of ['retryAt', 'settle'] as const) {
    const keep = hall.store[change].bind(hall.store) as (...given: readonly unknown[]) => Promise<boolean>; // either of them
    let times = 0;
    hall.store[change] = async (...given: readonly unknown[]) => {
      const isKept = await keep(...given);
      if (times++ === 0) throw new Fault('JOURNAL_FAILED');
      return isKept;
    };
  }
  t.is((await send()).end?.result, fine);
});
