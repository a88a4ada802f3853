import test from 'ava';
import {openSpans} from '../../src/observe/spans.ts';
import {FakeDelivery} from '../helpers/fakes.ts';

// No SDK is registered in this process, as when the settings name an exporter that does not exist.
const spans = openSpans({recording: true, functionName: 'f'});
const fields = (given: Record<string, string>) => ({get: (name: string) => given[name.toLowerCase()] ?? ''});

test('a tracer that records nothing gives the function no context of zeros', t => {
  const span = spans.invocation('id', fields({}), new FakeDelivery());
  t.is(span.trace, undefined);
  t.is(span.traceId, undefined);
  t.is(span.call(0, {host: '127.0.0.1', port: 1}).trace, undefined);
});

test('it passes the caller’s context on', t => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const span = spans.invocation('id', fields({traceparent}), new FakeDelivery());
  t.deepEqual(span.trace, {traceparent});
  t.is(span.traceId, '0af7651916cd43dd8448eb211c80319c');
});
