import test from 'ava';
import {ask} from '../helpers/request.ts';
import {metric, metricIs, openGate, serve} from '../helpers/supervision.ts';

test('bodies past the bytes in flight are refused, until an invocation is over', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_INFLIGHT_BYTES: '1MiB'});
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {method: 'POST', headers: gate.headers, body: 'x'.repeat(2 ** 20)});
  await gate.running();
  t.true((await metric(core, 'core_inflight_bytes{kind="event"}')) > 2 ** 20, 'one that is alone always fits');
  for (const chunked of [false, true]) {
    const refused = await ask(core.url, {method: 'POST', body: 'some', chunked});
    t.is(refused.status, 503);
    t.is(refused.field('core-error'), 'INFLIGHT_FULL');
    t.regex(refused.field('retry-after'), /^[1-9]\d?$/);
  }
  t.is((await ask(core.url)).status, 200, 'one without a body');
  await gate.open();
  t.is((await held).status, 200);
  await metricIs(core, 'core_inflight_bytes{kind="event"}', 0);
  t.is((await ask(core.url, {method: 'POST', body: 'some'})).status, 200);
  t.is((await ask(core.url, {method: 'POST', body: Buffer.alloc(2 ** 20 + 1)})).status, 503);
  t.true(core.logs.some(({level, msg}) => level === 'warn' && /CORE_INFLIGHT_BYTES/.test(msg)));
});

// Over HTTP a process that is blocked gets further calls; on the channel those wait for another process.
for (const [hop, calls] of [
  ['http', 3],
  ['auto', 1],
] as const) {
  test(`an event counts until the function is done with it, although its caller has got its answer: CORE_HOP=${hop}`, async t => {
    const core = await serve(t, 'holds.cjs', {CORE_HOP: hop});
    const gate = await openGate(t);
    const post = () =>
      ask(`${core.url}/?do=block`, {method: 'POST', headers: {...gate.headers, 'Core-Timeout': '200ms'}, body: 'x'.repeat(2 ** 20)});
    for (let call = 0; call < calls; call++) t.is((await post()).status, 504);
    t.true(
      (await metric(core, 'core_inflight_bytes{kind="event"}')) > calls * 2 ** 20,
      'the core holds them for a process that reads none',
    );
    await gate.open();
    await metricIs(core, 'core_inflight_bytes{kind="event"}', 0);
  });
}
