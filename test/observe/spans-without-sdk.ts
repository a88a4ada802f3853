import test from 'ava';
import {passingSpans} from '../../src/observe/traces/spans.ts';
import {FakeDelivery} from '../helpers/fakes.ts';

const fields = (given: Record<string, string>) => ({get: (name: string) => given[name.toLowerCase()] ?? ''});

test('where nothing is recorded the function gets no context of zeros', t => {
  const span = passingSpans.invocation('id', new FakeDelivery({traceCarrier: fields({})}));
  t.is(span.trace, undefined);
  t.is(span.traceId, undefined);
  t.is(span.call(0, {host: '127.0.0.1', port: 1}).trace, undefined);
});

test('the caller’s context is passed on', t => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const span = passingSpans.invocation('id', new FakeDelivery({traceCarrier: fields({traceparent})}));
  t.deepEqual(span.trace, {traceparent});
  t.is(span.traceId, '0af7651916cd43dd8448eb211c80319c');
});
