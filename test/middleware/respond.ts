import test from 'ava';
import {chain} from '../../middleware/index.ts';
import {respond} from '../../middleware/respond.ts';
import type {RuntimeReply} from '../../src/runtime.ts';
import {FakeDelivery, fieldMap, recordingMeter, requestInput, runtimeReply, stageContext, streamParts} from '../helpers/fakes.ts';

async function walk(reply: RuntimeReply, eventType = 'http') {
  const delivery = new FakeDelivery();
  const ctx = stageContext(delivery, {}, {input: requestInput({eventType}), reply});
  let passed = 0;
  const walked = chain([respond({responseMaxBytes: 1000, meter: recordingMeter(), ...streamParts})])(ctx, async () => void passed++);
  return {delivery, ctx, walked, passed: () => passed};
}

test('without a reply there is nothing to shape', async t => {
  const delivery = new FakeDelivery();
  const walked = chain([respond({responseMaxBytes: 10, meter: recordingMeter(), ...streamParts})])(
    stageContext(delivery, {}, {input: requestInput()}),
    async () => t.fail(),
  );
  await t.throwsAsync(walked, {instanceOf: TypeError});
  t.deepEqual(delivery.replies, []);
});

test('a reply that cannot be shaped is not replied with', async t => {
  const table: [RuntimeReply, string][] = [
    [runtimeReply('{"statusCode":7}'), 'RESULT_INVALID'],
    [runtimeReply('boom', {status: 500}), 'HANDLER_FAILED'],
    [runtimeReply('', {status: 404}), 'UPSTREAM_PROTOCOL'],
    [runtimeReply(JSON.stringify('x'.repeat(1001))), 'RESULT_INVALID'],
  ];
  for (const [reply, code] of table) {
    const {delivery, walked, passed} = await walk(reply);
    await t.throwsAsync(walked, {code});
    t.deepEqual(delivery.replies, []);
    t.is(passed(), 0);
  }
});

test('another trigger than HTTP gets the function’s error', async t => {
  for (const [reply, code] of [
    [runtimeReply('boom', {status: 500}), 'HANDLER_FAILED'],
    [runtimeReply('not JSON'), 'UPSTREAM_PROTOCOL'],
  ] as const) {
    const {delivery, walked} = await walk(reply, 'cron');
    await t.throwsAsync(walked, {code});
    t.deepEqual(delivery.replies, []);
  }
});

test('another trigger than HTTP only learns that the function succeeded', async t => {
  for (const body of ['{"statusCode":404,"body":"x"}', '"x"', 'null', '', '{"statusCode":7}']) {
    const {delivery, walked} = await walk(runtimeReply(body), 'cron');
    await walked;
    const [reply] = delivery.replies;
    t.is(reply?.status, 200);
    t.is(reply?.body, 'executed properly');
    t.like(fieldMap(reply?.headers ?? []), {'content-type': ['text/plain; charset=utf-8'], 'core-invocation-id': ['id-1']});
  }
});

test('a shaped reply is the result, given once', async t => {
  const {delivery, ctx, walked, passed} = await walk(runtimeReply('{"statusCode":404,"body":"x"}'));
  await walked;
  t.is(delivery.replies.length, 1);
  t.is(delivery.replies[0], ctx.state.result);
  t.is(ctx.state.result?.status, 404);
  t.is(passed(), 1);
});
