import test from 'ava';
import type {Recorded} from '../src/journal.ts';
import {factEvent, payloadEvent, readEvent} from '../src/journals/cloud-event.ts';

const recorded: Recorded = {
  stream: 'invocation.a',
  position: 12,
  at: 1_764_000_000_123,
  fact: {type: 'invocation.accepted', data: {source: 'http', bytes: 1, attempt: 1, traceparent: '00-a', dataref: 'invocation.a/request'}},
};

test('a fact has the names of CloudEvents 1.0, and comes back', t => {
  const event = factEvent(recorded);
  t.like(event, {
    specversion: '1.0',
    id: 'invocation.a/12',
    type: 'invocation.accepted',
    subject: 'invocation.a',
    time: '2025-11-24T16:00:00.123Z',
    traceparent: '00-a',
    dataref: 'invocation.a/request',
  });
  const {stream, at, fact} = recorded;
  t.deepEqual(readEvent(JSON.stringify(event)), {stream, at, fact});
});

test('a payload comes back byte for byte', t => {
  const payload = {name: 'invocation.a/request', bytes: Buffer.from([0, 1, 255, 10])};
  t.deepEqual(readEvent(JSON.stringify(payloadEvent(payload))), {payload});
});
