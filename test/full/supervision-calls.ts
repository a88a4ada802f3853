import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {gone} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {askAndLeave, metric, metricIs, openGate, pidOf, restarts, serve} from '../helpers/supervision.ts';

const one = {CORE_CONCURRENCY: '1'};
/** Our own bridges end a call at its deadline themselves; others do not. */
const silent = {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/silent-bridge.cjs')};

test('past CORE_QUEUE_WAIT a caller that waits for a place is refused', async t => {
  const core = await serve(t, 'holds.cjs', {...one, CORE_QUEUE_WAIT: '100ms'});
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const refused = await ask(core.url);
  t.is(refused.status, 503);
  t.is(refused.field('core-error'), 'POOL_BUSY');
  t.regex(refused.field('retry-after'), /^\d+$/);
  await gate.open();
  t.is((await held).status, 200);
  t.is((await ask(core.url)).status, 200);
  await core.stop();
});

test('a deadline that passes in the queue is a 504 that names the time', async t => {
  const core = await serve(t, 'holds.cjs', one);
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const late = await ask(core.url, {headers: {'Core-Timeout': '150ms'}});
  t.is(late.status, 504);
  t.is(late.field('core-error'), 'UPSTREAM_TIMEOUT');
  t.regex(late.text(), /150 ms/);
  await gate.open();
  t.is((await held).status, 200);
  await core.stop();
});

test('a deadline shorter than the queue is refused at once', async t => {
  const core = await serve(t, 'holds.cjs', one);
  const [measured, holding] = await Promise.all([openGate(t), openGate(t)]);
  const first = ask(`${core.url}/?do=hold`, {headers: measured.headers});
  await measured.running();
  await new Promise(resolve => setTimeout(resolve, 1000)); // a call takes a second
  await measured.open();
  await first;
  const held = ask(`${core.url}/?do=hold`, {headers: holding.headers});
  await holding.running();
  const waiting = ask(core.url);
  await metricIs(core, 'core_queue_depth', 1);
  const refused = await ask(core.url, {headers: {'Core-Timeout': '900ms'}});
  t.is(refused.status, 503);
  t.is(refused.field('core-error'), 'POOL_BUSY');
  await holding.open();
  for (const answer of await Promise.all([held, waiting])) t.is(answer.status, 200);
  await core.stop();
});

test('beyond the places, the queue holds CORE_QUEUE callers, and readiness says overloaded', async t => {
  const core = await serve(t, 'holds.cjs', {...one, CORE_QUEUE: '2'});
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const waiting = [ask(core.url), ask(core.url)];
  await metricIs(core, 'core_queue_depth', 2);
  const readyz = await ask(`${core.adminUrl}/readyz`);
  t.is(readyz.status, 503);
  t.deepEqual(readyz.json(), {ready: false, phase: 'overloaded', cause: 'the queue is full'});
  const refused = await Promise.all(Array.from({length: 20}, () => ask(core.url)));
  t.deepEqual(new Set(refused.map(({status}) => status)), new Set([503]));
  await gate.open();
  for (const answer of await Promise.all([held, ...waiting])) t.is(answer.status, 200);
  t.is((await ask(`${core.adminUrl}/readyz`)).status, 200);
  await core.stop();
});

for (const malformed of ['5', 'soon', '-1s', '2s, 3s', '1 s']) {
  test(`Core-Timeout: ${malformed} is a 400`, async t => {
    const core = await serve(t, 'mirror.cjs');
    const answer = await ask(core.url, {headers: {'Core-Timeout': malformed}});
    t.is(answer.status, 400);
    t.regex(answer.text(), /Core-Timeout/);
    await core.stop();
  });
}

test('Core-Timeout shortens the deadline and never lengthens it', async t => {
  const core = await serve(t, 'mirror.cjs', {CORE_TIMEOUT: '400ms'});
  await metricIs(core, 'core_runtime_up', 1); // a deadline may not pass while it starts
  const short = await ask(`${core.url}/?do=never`, {headers: {'Core-Timeout': '100ms'}});
  t.is(short.status, 504);
  t.is(short.text(), 'The function did not answer within 100 ms\n');
  const long = await ask(`${core.url}/?do=never`, {headers: {'Core-Timeout': '1h'}});
  t.is(long.status, 504);
  t.is(long.text(), 'The function did not answer within 400 ms\n');
  await core.stop();
});

test('many calls that do not end are one stuck process, and one spare', async t => {
  const core = await serve(t, 'mirror.cjs', {...silent, CORE_TIMEOUT: '4s'});
  await metricIs(core, 'core_runtime_up', 1); // a deadline may not pass while it starts
  const calls = Array.from({length: 20}, () => ask(`${core.url}/?do=never`));
  for (const answer of await Promise.all(calls)) t.is(answer.status, 504);
  await metricIs(core, restarts('stuck'), 1);
  t.is((await ask(core.url)).status, 200);
  t.is(await metric(core, 'faas_init_duration_seconds_count'), 2);
  t.is(core.logs.filter(({msg}) => /sub-runtime is replaced/.test(msg)).length, 1);
  await core.stop();
});

test('a process that is blocked is replaced: the service goes on', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_TIMEOUT: '4s'});
  await metricIs(core, 'core_runtime_up', 1); // a deadline may not pass while it starts
  const before = await pidOf(core);
  const gate = await openGate(t);
  t.is((await ask(`${core.url}/?do=block`, {headers: gate.headers})).status, 504);
  await core.logged(({msg}) => /sub-runtime is replaced/.test(msg));
  t.not(await pidOf(core), before);
  await gone(before); // it takes no TERM while it is blocked
  await core.stop();
});

test('a process that lives on without its listener is replaced, and the call that met it is served by the next', async t => {
  const core = await serve(t, 'mirror.cjs', {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/deaf-bridge.cjs')});
  const before = await pidOf(core);
  t.not(await pidOf(core), before);
  await metricIs(core, restarts('stuck'), 1);
  await gone(before);
  await core.stop();
});

test('CORE_CANCEL=finish: a call whose caller leaves runs on to its end', async t => {
  const core = await serve(t, 'holds.cjs', one);
  const gate = await openGate(t);
  const caller = askAndLeave(`${core.url}/?do=hold`, gate.headers);
  await gate.running();
  caller.leave();
  const next = pidOf(core);
  await metricIs(core, 'core_queue_depth', 1); // the place is taken
  t.false(gate.isDone());
  await gate.open();
  await gate.done();
  t.true((await next) > 0);
  t.is(await metric(core, 'core_conservation_drift'), 0);
  await core.stop();
});

const abort = {...one, CORE_CANCEL: 'abort'};

test('CORE_CANCEL=abort: a function that listens to its signal ends, and its place is free long before the deadline', async t => {
  const core = await serve(t, 'holds.cjs', abort);
  const before = await pidOf(core);
  const gate = await openGate(t);
  const caller = askAndLeave(`${core.url}/?do=heed`, gate.headers);
  await gate.running();
  caller.leave();
  t.is(await pidOf(core), before);
  t.true(gate.isDone());
  t.is(await metric(core, 'faas_errors_total{code="CALLER_LEFT"}'), 1);
  await core.stop();
});

test('CORE_CANCEL=abort: the place of a function that ignores its signal stays taken until it has ended', async t => {
  const core = await serve(t, 'holds.cjs', abort);
  const before = await pidOf(core);
  const gate = await openGate(t);
  const caller = askAndLeave(`${core.url}/?do=hold`, gate.headers);
  await gate.running();
  caller.leave();
  await metricIs(core, 'faas_errors_total{code="CALLER_LEFT"}', 1);
  const next = pidOf(core);
  await metricIs(core, 'core_queue_depth', 1);
  await gate.open();
  t.is(await next, before);
  await core.stop();
});

test('CORE_CANCEL=abort: where the end is not reported, the place is free after CORE_TIMEOUT, and the process stays', async t => {
  const core = await serve(t, 'holds.cjs', {
    ...abort,
    SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/silent-bridge.cjs'),
    CORE_TIMEOUT: '4s',
  });
  await metricIs(core, 'core_runtime_up', 1); // a deadline may not pass while it starts
  const before = await pidOf(core);
  const gate = await openGate(t);
  const caller = askAndLeave(`${core.url}/?do=hold`, gate.headers);
  await gate.running();
  caller.leave();
  let answer = await ask(core.url);
  while (answer.status !== 200) answer = await ask(core.url); // it has no other place
  t.is(answer.json().pid, before);
  t.false(gate.isDone());
  t.is(await metric(core, restarts('stuck')), 0);
  await gate.open();
  await core.stop();
});

for (const hop of ['auto', 'http']) {
  test(`CORE_CANCEL=abort: the place of a call that was not yet sent whole is free as its caller leaves (CORE_HOP=${hop})`, async t => {
    const core = await serve(t, 'holds.cjs', {...abort, CORE_CONCURRENCY: '2', CORE_HOP: hop});
    const events = 'core_inflight_bytes{kind="event"}';
    const body = 'x'.repeat(5 * 2 ** 20);
    const before = await pidOf(core);
    const holds = await openGate(t);
    // It reads nothing, and gets the call all the same: of one that has no call nobody expects a sign of life.
    process.kill(before, 'SIGSTOP');
    const caller = askAndLeave(core.url, {}, body);
    while ((await metric(core, events)) < body.length);
    caller.leave();
    await metricIs(core, 'faas_errors_total{code="CALLER_LEFT"}', 1);
    t.true((await metric(core, events)) < body.length);
    process.kill(before, 'SIGCONT');
    const holding = ask(`${core.url}/?do=hold`, {headers: holds.headers});
    await holds.running();
    const other = await ask(core.url, {headers: {'Core-Timeout': '10s'}});
    t.is(other.status, 200);
    if (hop === 'http') t.is(other.json().pid, before); // on the channel a spare may have taken over from the stopped process
    await holds.open();
    t.is((await holding).status, 200);
    await core.stop();
  });
}

test('CORE_CANCEL=abort: a call whose caller leaves the queue does not run', async t => {
  const core = await serve(t, 'holds.cjs', abort);
  const [gate, unrun] = await Promise.all([openGate(t), openGate(t)]);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const caller = askAndLeave(`${core.url}/?do=hold`, unrun.headers);
  await metricIs(core, 'core_queue_depth', 1);
  caller.leave();
  await metricIs(core, 'core_queue_depth', 0);
  await gate.open();
  t.is((await held).status, 200);
  t.is((await ask(core.url)).status, 200);
  t.false(unrun.isDone());
  await core.stop();
});
