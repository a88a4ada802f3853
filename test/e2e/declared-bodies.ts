import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';
import {Wire} from '../helpers/wire.ts';

const MiB = 2 ** 20;

test('a declared length reserves little: others send their bodies', async t => {
  const core = await startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting'),
      SCW_PAYLOAD_MAX_SIZE: '128MiB',
    },
    t,
  );
  const wires = Array.from({length: 22}, () => new Wire(core.url));
  t.teardown(async () => {
    for (const wire of wires) wire.destroy();
  });
  for (const wire of wires) await wire.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${128 * MiB}\r\n\r\n`);
  while ((await metric(core, 'http_requests_in_flight')) < 22);
  for (let calls = 0; calls < 5; calls++) t.is((await ask(core.url, {method: 'POST', body: 'x'.repeat(MiB)})).status, 200);
  t.is(await metric(core, 'core_inflight_bytes{kind="body"}'), 22 * 64 * 1024);
});

test('queries with very many keys are charged for what they cost: many at once get 503, one gets its answer', async t => {
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting')}, t);
  const url = `${core.url}/?echo=keys&${Array.from({length: 100_000}, (_, index) => `k${index}=1`).join('&')}`;
  t.is((await ask(url)).text(), '200002');
  const answers = await Promise.all(Array.from({length: 8}, () => ask(url)));
  t.true(answers.some(({status}) => status === 200));
  const refused = answers.filter(({status}) => status === 503);
  t.true(refused.length > 0);
  t.deepEqual(new Set(refused.map(answer => answer.field('core-error'))), new Set(['INFLIGHT_FULL']));
  t.is((await ask(url)).text(), '200002');
});
