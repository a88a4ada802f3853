import http from 'node:http';
import {createServer} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {runCli as cli, projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const handler = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs')};
const yearly = {CORE_SCHEDULES: JSON.stringify([{name: 'yearly', cron: '0 0 1 1 *'}])};

/** A proxy that answers nothing but 502, and counts. */
async function openProxy(t: ExecutionContext) {
  let asked = 0;
  const proxy = http.createServer((_request, response) => {
    asked++;
    response.writeHead(502).end();
  });
  proxy.on('connect', (_request, socket) => {
    asked++;
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
  return {env: {...Object.fromEntries(names.map(name => [name, url])), NODE_USE_ENV_PROXY: '1'}, asked: () => asked};
}

test('nothing that stays on this machine goes through a proxy of the environment', async t => {
  const proxy = await openProxy(t);
  const core = await startCore({...handler, ...yearly, ...proxy.env}, t);
  t.is((await ask(core.url)).status, 200);
  const here = {...proxy.env, CORE_ADMIN_PORT: new URL(core.adminUrl).port};
  t.deepEqual(await cli(['ready'], here), {code: 0, stdout: 'ready\n', stderr: ''});
  t.is((await cli(['fire', 'yearly'], here)).code, 0);
  t.is(proxy.asked(), 0);
});

test('ready says why not, and its exit code is 1', async t => {
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/broken.cjs')}, t);
  const broken = await cli(['ready', '--json'], {CORE_ADMIN_PORT: new URL(core.adminUrl).port});
  t.is(broken.code, 1);
  t.is(JSON.parse(broken.stdout).ready, false);
  const silent = createServer().listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await new Promise(resolve => silent.once('listening', resolve));
  const address = silent.address();
  const port = String(typeof address === 'object' ? address?.port : 0);
  const unanswered = await cli(['ready'], {CORE_ADMIN_PORT: port});
  t.is(unanswered.code, 1);
  t.regex(unanswered.stderr, /^core-runtime: no core answers at .* \(no answer within 2500 ms\): start one/);
  t.is((await cli(['ready'], {CORE_ADMIN_PORT: 'x'})).code, 78);
  t.is((await cli(['ready', '--bogus'])).code, 64);
});
