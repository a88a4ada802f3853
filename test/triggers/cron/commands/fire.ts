import {once} from 'node:events';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {runCli as cli} from '../../../helpers/core.ts';

test('an occurrence that has not reached the function yet is reported as waiting, not as refused', async t => {
  const ran = {schedule: 'nightly', occurrence: '2026-01-01T00:00:00Z', invocationId: 'an-id'};
  const waits = {...ran, status: 503, error: 'Every sub-runtime is busy', waits: true};
  const core = http.createServer((_request, response) => {
    response.writeHead(202, {'Content-Type': 'application/json'}).end(JSON.stringify(waits));
  });
  t.teardown(() => core.close());
  await once(core.listen(0, '127.0.0.1'), 'listening');
  const env = {CORE_ADMIN_PORT: String((core.address() as AddressInfo).port)};
  t.like(await cli(['fire', 'nightly'], env), {
    code: 1,
    stdout: 'nightly did not run yet for 2026-01-01T00:00:00Z: 503 Every sub-runtime is busy. It is delivered again as invocation an-id\n',
    stderr: '',
  });
  const asJson = await cli(['fire', 'nightly', '--json'], env);
  t.is(asJson.code, 1);
  t.deepEqual(JSON.parse(asJson.stdout), waits);
});
