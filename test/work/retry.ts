import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {type AttemptEnd, decide, failureOf, retryAfterMs} from '../../src/work/retry.ts';

const limits = {attempts: 8, deaths: 3};
const now = Date.UTC(2026, 0, 1);

function decided(end: Partial<AttemptEnd>, random = 0.5, rules = limits) {
  const status = end.fault?.status ?? 200;
  return decide({attempt: 1, deaths: 0, refusals: 0, status, headers: [], ...end}, {limits: rules, now, random});
}
const lost = (ended?: 'crash' | 'oom') => new Fault('UPSTREAM_LOST', {ended});

for (const status of [200, 204, 302, 400, 401, 404, 409, 422, 499]) {
  test(`a reply of ${status} is final`, t => {
    t.deepEqual(decided({status, headers: ['Core-No-Retry', 'true', 'Retry-After', '5']}), {kind: 'done'});
  });
}

test('a fault that no further attempt would change is final', t => {
  t.deepEqual(decided({fault: new Fault('REQUEST_MALFORMED')}), {kind: 'done'});
  t.deepEqual(decided({fault: new Fault('BODY_TOO_LARGE')}), {kind: 'done'});
});

for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
  test(`a reply of ${status} is followed by another attempt`, t => {
    t.deepEqual(decided({status, deaths: 2}), {kind: 'retry', afterMs: 500, isFree: false, deaths: 0});
  });
}

for (const fault of [new Fault('HANDLER_FAILED'), new Fault('UPSTREAM_TIMEOUT'), new Fault('RESULT_INVALID'), new Fault('REPLY_NO_ROOM')]) {
  test(`${fault.code} costs an attempt`, t => {
    t.deepEqual(decided({fault}), {kind: 'retry', afterMs: 500, isFree: false, deaths: 0});
  });
}

test('what the core does not begin any more, as it stops, is due at once', t => {
  t.deepEqual(decided({fault: new Fault('DRAINING'), deaths: 1, refusals: 3}), {kind: 'retry', afterMs: 0, isFree: true, deaths: 1});
});

test('what the end of the core broke off costs an attempt, and says nothing about the process', t => {
  const fault = new Fault('CALLER_LEFT');
  t.deepEqual(decided({fault, deaths: 2}), {kind: 'retry', afterMs: 0, isFree: false, deaths: 2}, 'another core may go on at once');
  t.like(decided({fault, attempt: 8}), {kind: 'dead', why: 'exhausted', class: 'cancelled'});
});

for (const fault of [
  new Fault('POOL_BUSY'),
  new Fault('POOL_NOT_READY'),
  new Fault('INFLIGHT_FULL'),
  new Fault('JOURNAL_BUSY'),
  new Fault('UPSTREAM_TIMEOUT', {reached: false}),
]) {
  test(`${fault.code} that did not reach the function costs no attempt`, t => {
    t.deepEqual(decided({fault, attempt: 8, deaths: 2}), {kind: 'retry', afterMs: 250, isFree: true, deaths: 2});
  });
}

test('the wait for room doubles up to 15 s, or is as long as the fault says', t => {
  const waits = Array.from({length: 9}, (_, refusals) => decided({fault: new Fault('POOL_BUSY'), refusals}));
  t.deepEqual(
    waits.map(decision => 'afterMs' in decision && decision.afterMs),
    [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000],
  );
  t.like(decided({fault: new Fault('POOL_GAVE_UP', {retryAfterS: 60})}), {afterMs: 60_000, isFree: true});
  t.like(decided({fault: new Fault('POOL_BUSY'), refusals: 5000}), {afterMs: 15_000});
});

test('the wait between attempts is a random part of 1 s that doubles up to 15 min', t => {
  const many = {attempts: 100, deaths: 3};
  const most = [1, 2, 3, 7, 10, 11, 50].map(attempt => decided({status: 500, attempt}, 1, many));
  t.deepEqual(
    most.map(decision => 'afterMs' in decision && decision.afterMs),
    [1000, 2000, 4000, 64_000, 512_000, 900_000, 900_000],
  );
  t.like(decided({status: 500, attempt: 7}, 0), {afterMs: 0});
  t.like(decided({status: 500, attempt: 7}, 0.25), {afterMs: 16_000});
});

test('after the last attempt it is a dead letter', t => {
  t.deepEqual(decided({status: 503, attempt: 8}), {kind: 'dead', why: 'exhausted', class: 'error', status: 503});
  t.deepEqual(decided({fault: new Fault('UPSTREAM_TIMEOUT'), attempt: 8}), {kind: 'dead', why: 'exhausted', class: 'timeout', status: 504});
  t.like(decided({status: 503, attempt: 9}), {kind: 'dead'});
  t.like(decided({status: 503, attempt: 7}), {kind: 'retry'});
});

test('a reply may refuse further attempts', t => {
  const headers = ['core-no-retry', 'True'];
  t.deepEqual(decided({status: 500, headers}), {kind: 'dead', why: 'refused', class: 'error', status: 500});
  t.like(decided({status: 429, headers}), {kind: 'dead', why: 'refused'});
  t.like(decided({status: 500, headers: ['Core-No-Retry', 'false']}), {kind: 'retry'});
});

test('the third death in a row is the end', t => {
  t.deepEqual(decided({fault: lost('crash'), deaths: 0}), {kind: 'retry', afterMs: 500, isFree: false, deaths: 1});
  t.like(decided({fault: lost('oom'), deaths: 1}), {kind: 'retry', deaths: 2});
  t.deepEqual(decided({fault: lost('oom'), deaths: 2, attempt: 3}), {kind: 'dead', why: 'poison', class: 'oom', status: 502});
  t.like(decided({fault: lost('crash'), deaths: 2, attempt: 8}), {why: 'poison'});
});

test('a call that was lost for an unknown reason neither ends the row of deaths nor makes it longer', t => {
  t.like(decided({fault: lost(), deaths: 2}), {kind: 'retry', deaths: 2, isFree: false});
  t.like(decided({fault: lost(), attempt: 8}), {kind: 'dead', why: 'exhausted', class: 'lost'});
});

test('a reply says after how long it is tried again at the earliest, up to an hour', t => {
  const after = (value: string, random = 0) => decided({status: 503, headers: ['Retry-After', value]}, random);
  t.like(after('30'), {afterMs: 30_000});
  t.like(after('0', 0.5), {afterMs: 500});
  t.like(after('86400'), {afterMs: 3_600_000});
  t.like(after('Thu, 01 Jan 2026 00:02:00 GMT'), {afterMs: 120_000});
  t.like(decided({status: 503, attempt: 7, headers: ['retry-after', '1']}, 0.5), {afterMs: 32_000});
});

for (const value of ['', 'soon', '-5', '1.5', 'Thu, 01 Jan 2026', 'Xxx, 99 Xxx 2026 00:00:00 GMT', 'Wed, 31 Dec 2025 23:59:00 GMT']) {
  test(`Retry-After: \`${value}\` asks for no wait`, t => t.is(retryAfterMs(['Retry-After', value], now), 0));
}

test('every failure has a class', t => {
  const codes = ['POOL_BUSY', 'INFLIGHT_FULL', 'UPSTREAM_TIMEOUT', 'UPSTREAM_LOST', 'CALLER_LEFT', 'HANDLER_FAILED', 'INTERNAL'] as const;
  t.deepEqual(
    codes.map(code => failureOf(new Fault(code))),
    ['busy', 'busy', 'timeout', 'lost', 'cancelled', 'error', 'error'],
  );
  t.deepEqual([failureOf(lost('crash')), failureOf(lost('oom'))], ['crash', 'oom']);
});
