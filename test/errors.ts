import test from 'ava';
import {Fault, type FaultCode} from '../src/errors.ts';

const unseen: readonly FaultCode[] = [
  'POOL_BUSY',
  'POOL_NOT_READY',
  'POOL_GAVE_UP',
  'DRAINING',
  'INFLIGHT_FULL',
  'JOURNAL_BUSY',
  'JOURNAL_FAILED',
];
const perhapsSeen: readonly FaultCode[] = ['UPSTREAM_LOST', 'UPSTREAM_TIMEOUT', 'UPSTREAM_PROTOCOL', 'CALLER_LEFT', 'INTERNAL'];
const seen: readonly FaultCode[] = ['HANDLER_FAILED', 'HANDLER_MISSING', 'RESULT_INVALID'];

test('a fault says whether the function may have seen the event', t => {
  for (const code of unseen) t.false(new Fault(code).reached, code);
  for (const code of [...perhapsSeen, ...seen]) t.true(new Fault(code).reached, code);
});

test('a fault can say that the function was not reached, where the code leaves that open', t => {
  t.false(new Fault('UPSTREAM_TIMEOUT', {reached: false}).reached);
});
