import {SpanKind, TraceFlags} from '@opentelemetry/api';
import {type ExportResult, ExportResultCode} from '@opentelemetry/core';
import {resourceFromAttributes} from '@opentelemetry/resources';
import type {ReadableSpan} from '@opentelemetry/sdk-trace';
import test from 'ava';
import {type QueueSizes, SpanQueue} from '../../src/observe/traces/queue.ts';
import type {SpanStart} from '../../src/observe/traces/recorder.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {openRecorder} from '../helpers/recorder.ts';

const start: SpanStart = {name: 'a', kind: SpanKind.SERVER, attributes: {}, parent: undefined, links: undefined, startMs: 1};
const taken: ExportResult = {code: ExportResultCode.SUCCESS};
const refused: ExportResult = {code: ExportResultCode.FAILED, error: new Error('refused')};
const defaults: QueueSizes = {maxQueueSize: 100, maxExportBatchSize: 10, scheduledDelayMillis: 5000, exportTimeoutMillis: 30_000};

/** A queue before an exporter that answers when the test says so. */
function open(sizes: Partial<QueueSizes> = {}, answer?: (spans: ReadableSpan[]) => ExportResult) {
  const clock = new ManualClock();
  const batches: {spans: ReadableSpan[]; answer(result: ExportResult): void}[] = [];
  const losses: unknown[][] = [];
  let isShutDown = false;
  const queue = new SpanQueue({
    name: 'fake',
    exporter: {
      export(spans, answered) {
        batches.push({spans, answer: answered});
        if (answer) answered(answer(spans));
      },
      async shutdown() {
        isShutDown = true;
      },
    },
    sizes: {...defaults, ...sizes},
    lost: (reason, spans, _exporter, cause) => void losses.push(cause === undefined ? [reason, spans] : [reason, spans, cause]),
    clock,
  });
  const recorder = openRecorder(queue);
  const end = (count: number) => {
    for (let index = 0; index < count; index++) recorder.start(start).end(2);
  };
  return {clock, queue, batches, losses, end, lengths: () => batches.map(({spans}) => spans.length), isShutDown: () => isShutDown};
}

test('spans leave after the delay, or as soon as a batch is full, one batch at a time', async t => {
  const {clock, batches, lengths, losses, end} = open();
  end(3);
  await clock.advance(4999);
  t.deepEqual(lengths(), []);
  await clock.advance(1);
  t.deepEqual(lengths(), [3]);
  end(25);
  await settle();
  t.deepEqual(lengths(), [3]);
  for (const expected of [
    [3, 10],
    [3, 10, 10],
  ]) {
    batches.at(-1)?.answer(taken);
    await settle();
    t.deepEqual(lengths(), expected);
  }
  batches.at(-1)?.answer(taken);
  await clock.advance(4999);
  t.is(batches.length, 3);
  await clock.advance(1);
  t.deepEqual(lengths(), [3, 10, 10, 5]);
  t.deepEqual(losses, []);
});

test('what does not fit is lost, and so is what the exporter does not take', async t => {
  const {clock, batches, losses, end} = open({maxQueueSize: 12, maxExportBatchSize: 5});
  end(20);
  await settle();
  t.deepEqual(losses, [
    ['queue_full', 1],
    ['queue_full', 1],
    ['queue_full', 1],
  ]);
  losses.length = 0;
  batches[0]?.answer(refused);
  await settle();
  t.deepEqual(losses, [['not_taken', 5, 'refused']]);
  batches[1]?.answer({code: ExportResultCode.FAILED});
  await clock.advance(0);
  t.deepEqual(losses[1], ['not_taken', 5, 'the exporter gave no reason']);
});

test('an exporter that throws, or answers twice, loses its batch once', async t => {
  const throwing = open({maxExportBatchSize: 1}, () => {
    throw new Error('broken');
  });
  throwing.end(2);
  await settle();
  t.deepEqual(throwing.losses, [
    ['not_taken', 1, 'broken'],
    ['not_taken', 1, 'broken'],
  ]);
  const {batches, losses, end, lengths} = open({maxExportBatchSize: 1});
  end(2);
  await settle();
  batches[0]?.answer(refused);
  batches[0]?.answer(taken);
  await settle();
  t.deepEqual(losses, [['not_taken', 1, 'refused']]);
  t.deepEqual(lengths(), [1, 1]);
});

test('the flush goes on past failures and sends many batches at a time, 24 at most', async t => {
  const {queue, batches, losses, end, isShutDown} = open({maxQueueSize: 1000, maxExportBatchSize: 1});
  end(101);
  const closed = queue.shutdown();
  await settle();
  t.is(batches.length, 24);
  for (let index = 0; index < 101; index++) {
    batches[index]?.answer(index === 0 ? refused : taken);
    await settle();
  }
  await closed;
  t.is(batches.length, 101);
  t.deepEqual(losses, [['not_taken', 1, 'refused']]);
  t.true(isShutDown());
});

test('the flush waits for the batch that had left before', async t => {
  const {queue, batches, end} = open({maxExportBatchSize: 5});
  end(6);
  await settle();
  let isFlushed = false;
  const flushed = queue.forceFlush().then(() => {
    isFlushed = true;
  });
  await settle();
  batches[1]?.answer(taken);
  await settle();
  t.false(isFlushed);
  batches[0]?.answer(taken);
  await flushed;
  t.is(batches.length, 2);
});

test('when the stop is over, what is held and what was not answered for is lost, once', async t => {
  const {clock, queue, batches, losses, end} = open({maxExportBatchSize: 1});
  end(30);
  void queue.shutdown();
  await settle();
  batches[0]?.answer(taken);
  await settle();
  queue.abandon();
  t.deepEqual(losses, [['stopped', 29]]);
  end(1);
  t.deepEqual(losses, [
    ['stopped', 29],
    ['stopped', 1],
  ]);
  for (const batch of batches) batch.answer(refused);
  await clock.advance(60_000);
  t.is(losses.length, 2);
  t.is(clock.pending, 0);
});

test('after a flush nothing is lost at the end of the stop', async t => {
  const {queue, losses, end} = open({}, () => taken);
  end(7);
  await queue.shutdown();
  queue.abandon();
  t.deepEqual(losses, []);
});

test('an export without an answer is given up after its time; eight of them hold the others back', async t => {
  const {clock, batches, losses, end} = open({maxExportBatchSize: 1, exportTimeoutMillis: 1000});
  end(10);
  for (let index = 0; index < 12; index++) await clock.advance(1000);
  t.is(batches.length, 8);
  t.is(losses.length, 8);
  t.deepEqual(losses[0], ['not_taken', 1, 'no answer within 1000 ms']);
  batches[3]?.answer(taken);
  await clock.advance(5000);
  t.is(batches.length, 9);
  t.is(losses.length, 9);
});

test('spans that are not sampled are not taken in', async t => {
  const {queue, batches} = open({}, () => taken);
  const span = {spanContext: () => ({traceFlags: TraceFlags.NONE})} as unknown as ReadableSpan;
  queue.onEnd(span);
  await queue.shutdown();
  t.is(batches.length, 0);
});

test('a batch waits for what its resource still finds out, and leaves without what cannot be found', async t => {
  for (const fails of [false, true]) {
    const found = Promise.withResolvers<string>();
    const {queue, batches} = open({}, () => taken);
    const recorder = openRecorder(queue, {resource: resourceFromAttributes({'host.id': found.promise})});
    recorder.start(start).end(2);
    const flushed = queue.forceFlush();
    await settle();
    t.is(batches.length, 0);
    if (fails) found.reject(new Error('no id'));
    else found.resolve('id');
    await flushed;
    t.is(batches.length, 1);
  }
});
