import test from 'ava';
import {authPublic} from '../../middleware/auth.ts';
import {chain} from '../../middleware/index.ts';
import {respond} from '../../middleware/respond.ts';
import {trigger} from '../../middleware/trigger.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import {passingSpans} from '../../src/observe/traces/spans.ts';
import {NotSent} from '../../src/runtime.ts';
import type {Stage} from '../../src/stage.ts';
import {type HouseOptions, openHouse, token} from '../helpers/chain-house.ts';
import {writtenEvent} from '../helpers/event.ts';
import {FakeDelivery, fieldMap, recordingMeter, runtimeReply, streamParts} from '../helpers/fakes.ts';

const faults: [
  title: string,
  options: HouseOptions,
  delivery: FakeDelivery,
  fields: Record<string, string>,
  code: FaultCode,
  calls: number,
][] = [
  ['no token', {isPublic: false}, new FakeDelivery(), {}, 'AUTH_MISSING', 0],
  ['a bad token', {isPublic: false}, new FakeDelivery(), {authorization: 'Bearer x'}, 'AUTH_INVALID', 0],
  ['an input that cannot be taken', {}, refusing(new Fault('BODY_TOO_LARGE')), {}, 'BODY_TOO_LARGE', 0],
  ['an input that fails as a bug', {}, refusing(new TypeError('bug')), {}, 'INTERNAL', 0],
  ['a full queue', {lease: new Fault('POOL_BUSY', {retryAfterS: 1})}, new FakeDelivery(), {}, 'POOL_BUSY', 0],
  ['a refused connection, again and again', {replies: [new NotSent('refused')]}, new FakeDelivery(), {}, 'POOL_NOT_READY', 3],
  ['a connection that broke off', {replies: [new Fault('UPSTREAM_LOST')]}, new FakeDelivery(), {}, 'UPSTREAM_LOST', 1],
  ['a deadline', {replies: [new Fault('UPSTREAM_TIMEOUT')]}, new FakeDelivery(), {}, 'UPSTREAM_TIMEOUT', 1],
  ['a handler that throws', {replies: [runtimeReply('boom', {status: 500})]}, new FakeDelivery(), {}, 'HANDLER_FAILED', 1],
  ['a status that is none', {replies: [runtimeReply('{"statusCode":1}')]}, new FakeDelivery(), {}, 'RESULT_INVALID', 1],
  ['a broken protocol', {replies: [runtimeReply('x', {status: 302})]}, new FakeDelivery(), {}, 'UPSTREAM_PROTOCOL', 1],
];

function refusing(error: Error): FakeDelivery {
  const delivery = new FakeDelivery();
  delivery.input = async () => {
    throw error;
  };
  return delivery;
}

for (const [title, options, delivery, fields, code, calls] of faults) {
  test(`${title} ends in exactly one reply, ${code}, and nobody is left in flight`, async t => {
    const house = openHouse(options);
    await t.notThrowsAsync(house.deliver(delivery, fields));
    t.is(delivery.replies.length, 1);
    t.is(delivery.replies[0]?.fault?.code, code);
    t.deepEqual(fieldMap(delivery.replies[0]?.headers ?? [])['core-error'], [code]);
    t.is(house.called.length, calls);
    const count = (name: string) => house.meter.calls.filter(([called]) => called === name).length;
    t.is(count('accepted'), count('settled'));
    t.is(count('faulted'), 1);
    t.is(count('invocationEnded'), 1);
    t.is(
      house.meter.calls.reduce((sum, [name, change]) => (name === 'inFlight' ? sum + Number(change) : sum), 0),
      0,
    );
    t.is(house.facts.length, count('accepted') * 2); // strangers leave no facts
  });
}

test('a reply that fails to leave becomes a fault, and the delivery never rejects', async t => {
  const delivery = new FakeDelivery();
  const {reply} = delivery;
  let attempts = 0;
  delivery.reply = result => {
    if (attempts++ === 0) throw new TypeError('cannot be written');
    reply.call(delivery, result);
  };
  await openHouse().deliver(delivery);
  t.deepEqual(
    delivery.replies.map(({status}) => status),
    [500],
  );
});

test('a stage that goes on twice does not call the function twice', async t => {
  const twice: Stage = async function twice(_ctx, next) {
    await next();
    await next();
  };
  const {called, deliver} = openHouse({parts: {guard: chain([authPublic(), twice])}});
  const delivery = new FakeDelivery();
  await deliver(delivery);
  t.is(called.length, 1);
  t.is(delivery.replies.length, 1);
});

test('a delivery that is not an HTTP request goes through the same chain', async t => {
  const house = openHouse({isPublic: false});
  const schedule = {name: 'nightly', occurrence: '2026-01-01T00:00:00.000Z'};
  const delivery = new FakeDelivery({
    principal: {subject: 'cron:nightly'},
    input: {
      shape: 'message',
      eventType: 'cron',
      reply: 'outcome',
      contentType: 'application/json',
      attributes: ['x-note', 'é'],
      body: Buffer.from('{}'),
      context: {schedule},
    },
  });
  const state = await house.deliver(delivery);
  t.deepEqual(
    delivery.replies.map(({status, body}) => [status, body]),
    [[200, 'executed properly']],
  );
  t.like(house.called[0], {
    event: {
      resource: 'cron',
      httpMethod: 'POST',
      path: '/',
      headers: {'Content-Type': 'application/json', 'X-Note': 'é'},
      body: '{}',
      requestContext: {eventType: 'cron', schedule},
    },
    context: {functionName: 'f', invocationId: state.id, deadlineMs: 1_764_000_005_000, trace: {}},
  });
  t.deepEqual(
    house.facts.map(([id, {type}]) => [id, type]),
    [
      [state.id, 'invocation.accepted'],
      [state.id, 'invocation.settled'],
    ],
  );
  t.is(house.log.lines.length, 0);
});

test('a caller with a valid token gets the function’s answer, and the function never sees the token', async t => {
  const house = openHouse({isPublic: false, replies: [runtimeReply('{"statusCode":201,"body":{"n":1e400}}')]});
  const headers = ['X-Auth-Token', token, 'Authorization', 'Basic abc', 'traceparent', 'x'];
  const delivery = new FakeDelivery({input: {method: 'PUT', path: '/a', query: 'q=1', headers}});
  await house.deliver(delivery, {'x-auth-token': token, authorization: 'Basic abc'});
  t.deepEqual(
    delivery.replies.map(({status, body}) => [status, body]),
    [[201, '{"n":1e400}']],
  );
  t.false(JSON.stringify(house.called).includes(token));
  t.like(house.called[0], {event: {headers: {Authorization: 'Basic abc', Traceparent: 'x'}, httpMethod: 'PUT'}});
});

test('the caller’s trace reaches the function', async t => {
  const house = openHouse();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const given: Record<string, string> = {traceparent, tracestate: 'a=b'};
  await house.deliver(new FakeDelivery({traceCarrier: {get: field => given[field] ?? ''}}));
  t.like(house.called[0], {context: {trace: {traceparent, tracestate: 'a=b'}}});
  t.like(house.facts[0]?.[1], {data: {traceparent}});
});

test('a call that was not sent is sent again, and the function runs once', async t => {
  const house = openHouse({replies: [new NotSent('refused'), runtimeReply('"second"')]});
  const delivery = new FakeDelivery();
  await house.deliver(delivery);
  t.is(delivery.replies[0]?.body, 'second');
  t.is(delivery.replies.length, 1);
});

test('every delivery has an id of its own, ordered by time', async t => {
  const house = openHouse();
  const ids: string[] = [];
  for (let index = 0; index < 50; index++) ids.push((await house.deliver(new FakeDelivery())).id);
  const milliseconds = ids.map(id => id.slice(0, 13));
  t.deepEqual(milliseconds, milliseconds.toSorted());
  t.is(new Set(ids).size, 50);
  t.regex(ids[0] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the stages walk in their order and are named', async t => {
  const order: string[] = [];
  const guard: Stage = async function auth(ctx, next) {
    order.push('auth');
    ctx.state.principal = {subject: 'test'};
    await next();
  };
  const delivery = new FakeDelivery();
  const {input, reply} = delivery;
  delivery.input = () => {
    order.push('trigger');
    return input.call(delivery);
  };
  delivery.reply = result => {
    order.push('respond');
    reply.call(delivery, result);
  };
  const {deliver} = openHouse({
    parts: {
      guard,
      spans: {
        ...passingSpans,
        invocation(...given) {
          order.push('trace');
          return passingSpans.invocation(...given);
        },
      },
      write() {
        order.push('event');
        return writtenEvent();
      },
    },
    onLease: () => order.push('invoke'),
  });
  await deliver(delivery);
  t.deepEqual(order, ['trace', 'auth', 'trigger', 'event', 'invoke', 'respond']);
  t.deepEqual(
    [trigger().name, respond({responseMaxBytes: 1, meter: recordingMeter(), ...streamParts}).name, authPublic().name],
    ['trigger', 'respond', 'auth'],
  );
});

test('a delivery that brings an id is the invocation of that id; any other gets a new one', async t => {
  const {deliver, facts} = openHouse();
  const {id} = await deliver(new FakeDelivery({id: 'promised'}));
  t.is(id, 'promised');
  t.deepEqual(new Set(facts.map(([of]) => of)), new Set(['promised']));
  t.not((await deliver(new FakeDelivery())).id, (await deliver(new FakeDelivery())).id);
});
