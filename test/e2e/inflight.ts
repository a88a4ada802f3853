import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metricIs} from '../helpers/supervision.ts';
import {Wire} from '../helpers/wire.ts';

test('bodies past the bytes in flight are refused, until an invocation is over', async t => {
  const core = await startCore(
    {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting'), CORE_INFLIGHT_BYTES: '1MiB'},
    t,
  );
  const holding = new Wire(core.url);
  await holding.write(`POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 ** 20}\r\n\r\n${'x'.repeat(2 ** 20 - 1)}`);
  let refused = await ask(core.url, {method: 'POST', body: 'some'});
  while (refused.status === 200) refused = await ask(core.url, {method: 'POST', body: 'some'}); // the other connection was not accepted yet
  t.is(refused.status, 503);
  t.is(refused.field('core-error'), 'INFLIGHT_FULL');
  t.regex(refused.field('retry-after'), /^[1-9]\d?$/);
  t.is(refused.field('connection'), 'close');
  await metricIs(core, 'core_inflight_bytes{kind="body"}', 2 ** 20 - 1);
  t.is((await ask(core.url, {method: 'POST', body: 'some', chunked: true})).status, 503);
  t.is((await ask(core.url)).status, 200, 'one without a body');
  await holding.write('x');
  t.is((await holding.replies(1))[0]?.status, 200);
  t.is((await ask(core.url, {method: 'POST', body: 'some'})).status, 200);
  t.is((await ask(`${core.url}/runs?of=/held`)).text(), '1');
  await metricIs(core, 'core_inflight_bytes{kind="body"}', 0);
  t.is((await ask(core.url, {method: 'POST', body: Buffer.alloc(2 ** 20 + 1)})).status, 503);
  t.true(core.logs.some(({level, msg}) => level === 'warn' && /CORE_INFLIGHT_BYTES/.test(msg)));
  holding.destroy();
});
