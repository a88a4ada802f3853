import test from 'ava';
import type {RequestInput} from '../../src/delivery.ts';
import {readRequest, redactor, writeRequest} from '../../src/journals/payload.ts';

const redact = redactor('');
const tick: RequestInput = {
  shape: 'request',
  eventType: 'cron',
  reply: 'outcome',
  method: 'POST',
  path: '/',
  query: '',
  headers: ['Content-Type', 'application/json'],
  sourceIp: '',
  context: {schedule: {name: 'nightly', occurrence: '2026-01-01T00:00:00Z'}},
  body: Buffer.from('{}'),
};
const written =
  '{"eventType":"cron","method":"POST","path":"/","query":"","headers":["Content-Type","application/json"],"sourceIp":"",' +
  '"schedule":{"name":"nightly","occurrence":"2026-01-01T00:00:00Z"}}\n{}';

test('a request is kept in the form that journals have had from the start', t => {
  t.is(writeRequest(tick, redact).toString(), written);
  t.deepEqual(readRequest(Buffer.from(written)), tick);
});

test('a recorded request and reply are read as they were, with any type', t => {
  const {context: _, ...plain} = tick;
  for (const given of [
    tick,
    {...plain, eventType: 'http', reply: 'http'},
    {...plain, eventType: 'http', reply: 'outcome'},
    {...plain, eventType: 'amqp', reply: 'http', context: {amqp: {queue: 'orders'}}},
  ] satisfies RequestInput[]) {
    t.deepEqual(readRequest(writeRequest(given, redact)), given);
  }
});
