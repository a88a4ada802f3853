import test from 'ava';
import type {Claimed} from '../../src/work.ts';
import {withoutRun} from '../../triggers/work/attempt.ts';

/* What becomes of an item that may not run any more. */

const rules = {limits: {attempts: 8, deaths: 3}, now: 2000};
const claimed: Claimed = {id: 'a', acceptedAt: 1000, due: 1000, status: 'running', attempts: 3, deaths: 3, epoch: 4, task: 'bury'};

function whyOf(item: Claimed): string | undefined {
  const outcome = withoutRun(item, rules);
  return 'settle' in outcome ? outcome.settle.dead?.why : 'tried again';
}

test('it is poison only when its process died as often as it may', t => {
  t.is(whyOf({...claimed, attempts: 8, deaths: 1}), 'exhausted');
  t.is(whyOf(claimed), 'poison');
});

test('a call that its sender waited for is no dead letter: it has a reply', t => {
  const outcome = withoutRun({...claimed, attempts: 1, deaths: 1, mostAttempts: 1}, rules);
  if (!('settle' in outcome)) return t.fail();
  t.is(outcome.settle.dead, undefined);
  t.like(outcome.settle.facts[0], {type: 'invocation.settled', data: {outcome: 'failed', status: 502, dataref: 'invocation.a/reply'}});
  t.is(outcome.settle.payloads?.[0]?.name, 'invocation.a/reply');
});

test('one that has expired is no dead letter', t => {
  t.is(whyOf({...claimed, task: 'expire', attempts: 0, deaths: 0}), undefined);
});

test('one that its sender was told was not taken leaves its key free', t => {
  const outcome = withoutRun({...claimed, task: 'withdraw', attempts: 1, deaths: 0, mostAttempts: 1}, rules);
  if (!('settle' in outcome)) return t.fail();
  t.true(outcome.settle.freesKey);
  t.like(outcome.settle.facts[0], {data: {outcome: 'cancelled', status: 503, code: 'JOURNAL_FAILED'}});
});
