import test from 'ava';
import {attemptsOf} from '../../src/console/views/work/attempts.js';
import {filterOf, linkToWork, pathOfDead, pathOfWork, wishOf} from '../../src/console/views/work/filter.js';
import {redriveText, sendText} from '../../src/console/views/work/words.js';

let position = 0;
const fact = (type: string, data: Record<string, unknown> = {}) => ({
  position: ++position,
  stream: 'invocation.a',
  at: `${type} at`,
  type,
  data,
});
const failed = (attempt: number, kind = 'error') => fact('attempt.failed', {attempt, class: kind, code: 'HANDLER_FAILED', retryable: true});

test('an item that was never tried has no attempts', t => {
  t.deepEqual(attemptsOf([fact('invocation.accepted')]), []);
  t.deepEqual(attemptsOf([fact('retry.scheduled', {attempt: 1, afterMs: 5})]), [], 'the fact before it was left out');
});

test('each attempt has its failure and what follows; the last one has the outcome', t => {
  const attempts = attemptsOf([
    fact('attempt.started', {attempt: 1}),
    failed(1, 'timeout'),
    fact('retry.scheduled', {attempt: 2, afterMs: 900}),
    fact('attempt.started', {attempt: 2}),
    failed(2),
    fact('invocation.settled', {outcome: 'dead-lettered', status: 500}),
    fact('invocation.redriven', {deadForMs: 7}),
    fact('attempt.started', {attempt: 1}),
  ]);
  const code = 'HANDLER_FAILED';
  t.deepEqual(attempts, [
    {at: 'attempt.started at', attempt: 1, class: 'timeout', code, againMs: 900},
    {at: 'attempt.started at', attempt: 2, class: 'error', code, outcome: 'dead-lettered', status: 500},
    {at: 'invocation.redriven at'},
    {at: 'attempt.started at', attempt: 1},
  ]);
});

test('a failure whose beginning is not among the facts is an attempt of its own', t => {
  t.like(attemptsOf([failed(7), failed(8)]), [{attempt: 7}, {attempt: 8}]);
  t.deepEqual(
    attemptsOf([fact('invocation.redriven'), failed(1)]).map(({attempt}) => attempt),
    [undefined, 1],
  );
});

test('the end of what was never tried, as of work that expired, is no attempt', t => {
  t.deepEqual(attemptsOf([fact('invocation.settled', {outcome: 'expired', status: 504})]), []);
});

test('a list asks only for what its filter means', t => {
  const filter = filterOf(new URLSearchParams({key: 'a&b', since: '1h', reply: '503', list: 'other'}));
  t.is(filter.list, '');
  t.is(pathOfWork(filter), 'api/work?limit=100&status=waiting%2Cbehind%2Crunning&key=a%26b');
  t.is(pathOfWork({...filter, list: 'dead'}), 'api/work?limit=1');
  t.is(pathOfDead(filter), 'api/dead?limit=100&since=1h&status=503');
  t.deepEqual(wishOf(filter), {since: '1h', status: 503});
  t.deepEqual(wishOf(filterOf(new URLSearchParams())), {});
  t.is(linkToWork(filter, {key: ''}, 'x/y'), ['#', 'work', 'x%2Fy?since=1h&reply=503'].join('/'));
});

test('a button says how many are sent, and how many go first', t => {
  t.is(sendText({count: 1, more: false}, 1), 'Send it again');
  t.is(sendText({count: 5, more: false}, 0), 'Send 5 again');
  t.is(sendText({count: 5, more: false}, 5), 'Send 5 again');
  t.is(sendText({count: 5, more: false}, 1), 'Send 1, then the other 4');
  t.is(sendText({count: 10_000, more: true}, 2), 'Send 2, then the other 9\u202f998 or more');
});

test('a redrive says how far it is, what was left out, and why it ended early', t => {
  t.is(redriveText({state: 'checking', sent: 1, skipped: 0}), 'Waiting until the first ones have ended: 1 sent again.');
  t.is(redriveText({state: 'done', sent: 2, skipped: 1}), 'Done: 2 sent again, 1 was no dead letter any more.');
  t.is(redriveText({state: 'stopped', sent: 2, skipped: 0, cause: 'somebody stopped it'}), 'Stopped: 2 sent again.');
  t.is(redriveText({state: 'failed', sent: 1, skipped: 0, cause: 'it failed'}), 'Ended early: 1 sent again; it failed.');
});
