import test from 'ava';
import {observe} from '../../middleware/observe.ts';
import {Fault} from '../../src/errors.ts';
import type {Observation} from '../../src/observation.ts';
import {ManualClock} from '../helpers/clock.ts';
import {FakeDelivery, requestInput, stageContext} from '../helpers/fakes.ts';

async function watch(subject: object, state: object) {
  const clock = new ManualClock(0);
  const seen: Observation[] = [];
  const ctx = stageContext(new FakeDelivery({subject: () => subject} as object), {}, {});
  await observe(each => void seen.push(each), clock)(ctx, async () => {
    await clock.advance(5);
    Object.assign(ctx.state, state);
  });
  return seen;
}

const http = {trigger: 'http', method: 'GET', path: '/a', address: ''};

test('a request that was refused has no query, and says why', async t => {
  const fault = new Fault('AUTH_INVALID', {cause: new Error('jwt expired')});
  const [began, ended] = await watch(http, {result: {status: 401, headers: [], body: '', fault}});
  t.deepEqual(began, {type: 'began', at: 0, id: 'id-1', kind: 'GET', target: '/a'});
  const why = {code: 'AUTH_INVALID', message: 'authorization token not valid', cause: 'jwt expired'} as const;
  t.deepEqual(ended, {type: 'ended', at: 5, id: 'id-1', kind: 'GET', target: '/a', status: 401, durationMs: 5, fault: why});
});

test('a request that came whole has its query, and can be sent again', async t => {
  const input = requestInput({method: 'GET', path: '/a', query: 'b=1', headers: ['X', '1']});
  const [, ended] = await watch(http, {input, result: {status: 200, headers: ['Y', '2'], body: 'hi'}});
  t.like(ended, {
    target: '/a?b=1',
    exchange: {request: {method: 'GET', path: '/a', query: 'b=1'}, reply: {status: 200, headers: ['Y', '2'], body: 'hi'}},
  });
});

test('other deliveries are named by what delivers them', async t => {
  for (const [subject, kind, target] of [
    [{trigger: 'timer', name: 'nightly'}, 'cron', 'nightly'],
    [{trigger: 'pubsub', system: 'nats', destination: 'orders'}, 'nats', 'orders'],
    [{trigger: 'other', name: 'x'}, 'test', 'x'],
  ] as const) {
    const [, ended] = await watch(subject, {result: {status: 200, headers: [], body: ''}});
    t.like(ended, {kind, target, isOther: true});
  }
});
