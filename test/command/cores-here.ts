import http from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {chooseCores, coresAt, otherCores} from '../../src/command/cores-here.ts';
import {chooseCore} from '../../triggers/cron/commands/which-core.ts';

/** What does not answer within is taken for no core; a busy machine may take long. */
const patienceMs = 60_000;

interface Fake {
  readonly name: string;
  readonly handler: string;
  readonly schedules?: readonly string[];
}

/** What answers as the private listener of a core does. @returns its port */
async function openCore(t: ExecutionContext, {schedules = [], ...served}: Fake): Promise<number> {
  const core = {pid: 7, startedAt: served.handler};
  return openServer(t, (request, response) => {
    const isNow = request.url === '/api/now';
    response.end(JSON.stringify(isNow ? {function: served, core} : {schedules: schedules.map(name => ({name}))}));
  });
}

async function openServer(t: ExecutionContext, answer: http.RequestListener): Promise<number> {
  const server = http.createServer(answer);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function openThree(t: ExecutionContext) {
  const api = await openCore(t, {name: 'api', handler: '/srv/shop/api/handler.js', schedules: ['tidy']});
  const jobs = await openCore(t, {name: '', handler: '/srv/shop/jobs.py', schedules: ['tidy', 'report']});
  const blog = await openCore(t, {name: 'blog', handler: '/srv/shopping/handler.js', schedules: ['post']});
  return {api, jobs, blog, cores: await coresAt([api, jobs, blog], {}, patienceMs)};
}

test('what listens and is no core is not taken for one, whatever it answers', async t => {
  const endless = await openServer(t, (_request, response) => response.write('x'.repeat(2 ** 20)));
  const page = await openServer(t, (_request, response) => response.end('<h1>hello</h1>'));
  const other = await openServer(t, (_request, response) => response.end('{"function": "f"}'));
  const refusing = await openServer(t, (_request, response) => response.writeHead(401).end('{"error": {}}'));
  t.deepEqual(await coresAt([endless, page, other, refusing, 1], {}, patienceMs), []);
});

test('a command means the cores of the functions in its folder, and all where none is there', async t => {
  const {cores, api, jobs} = await openThree(t);
  const names = (folder: string) => chooseCores(cores, folder).meant.map(({name}) => name);
  t.deepEqual(names('/srv/shop/api'), ['api']);
  t.deepEqual(names('/srv/shop'), ['api', '/srv/shop/jobs.py']);
  t.deepEqual(names('/home'), ['api', '/srv/shop/jobs.py', 'blog']);
  t.deepEqual(names('/'), ['api', '/srv/shop/jobs.py', 'blog']);
  const {others} = chooseCores(cores, '/srv/shopping');
  t.is(otherCores(others), `other cores run here: CORE_ADMIN_PORT=${api} for api, CORE_ADMIN_PORT=${jobs} for /srv/shop/jobs.py`);
});

test('a schedule that several functions have is not fired until one of them is named', async t => {
  const {cores, api, jobs} = await openThree(t);
  await t.throwsAsync(chooseCore('tidy', {}, chooseCores(cores, '/srv/shop')), {
    message: `several functions have a schedule \`tidy\`: api (CORE_ADMIN_PORT=${api}), /srv/shop/jobs.py (CORE_ADMIN_PORT=${jobs}); name one, as in \`CORE_ADMIN_PORT=${api} core-runtime fire tidy\``,
  });
});

test('a schedule that no function has is refused with those that there are', async t => {
  const {cores, blog} = await openThree(t);
  await t.throwsAsync(chooseCore('nightly', {}, chooseCores(cores, '/srv/shop')), {
    message: `there is no schedule \`nightly\`; there is tidy of api, tidy of /srv/shop/jobs.py, report of /srv/shop/jobs.py; another core runs here: CORE_ADMIN_PORT=${blog} for blog`,
  });
});

test('a schedule is fired by the function of the folder, or the only one that has it', async t => {
  const {cores, api, jobs, blog} = await openThree(t);
  const port = async (schedule: string, folder: string) => (await chooseCore(schedule, {}, chooseCores(cores, folder))).env.CORE_ADMIN_PORT;
  t.is(await port('tidy', '/srv/shop/api'), String(api));
  t.is(await port('report', '/srv/shop'), String(jobs));
  t.is(await port('post', '/home'), String(blog));
  t.is(
    await port('tidy', '/srv/shopping'),
    String(blog),
    'that of another folder is not meant; this core says that it has no such schedule',
  );
});

test('a core that answers at two ports is one, at its own', async t => {
  const first = {name: 'api', handler: '/srv/shop/api/handler.js'};
  const [console, own] = [await openCore(t, first), await openCore(t, first)];
  t.deepEqual(
    (await coresAt([console, own], {}, patienceMs)).map(({port}) => port),
    [own],
  );
});
