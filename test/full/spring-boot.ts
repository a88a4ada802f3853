import {execFile, spawnSync} from 'node:child_process';
import {cp} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

/** Why the example cannot be built here. */
function missing(): string | undefined {
  const said = spawnSync('javac', ['-version'], {encoding: 'utf8'});
  if (said.status !== 0) return 'PATH has no javac: install a JDK of 17 or later';
  const version = Number(/javac (\d+)/.exec(said.stdout + said.stderr)?.[1]);
  if (version < 17) return `the JDK is of version ${version}, and Spring Boot takes 17 or later`;
  return spawnSync('mvn', ['--version']).status === 0 ? undefined : 'PATH has no mvn: install Maven';
}

const why = missing();
const check = why === undefined ? test : test.skip;

check(`17-spring-boot is served as it is${why === undefined ? '' : ` (skipped: ${why})`}`, async t => {
  t.timeout(10 * 60_000, 'Maven fetches what it does not have');
  const folder = await folderWith(t, {});
  await cp(projectFile('examples/17-spring-boot'), folder, {recursive: true, filter: from => !from.endsWith('/target')});
  await promisify(execFile)('mvn', ['--quiet', '--batch-mode', 'package'], {cwd: folder});
  const env = {
    SCW_PUBLIC: 'true',
    CORE_PROTOCOL: 'http',
    CORE_COMMAND: JSON.stringify(['java', '-jar', join(folder, 'target/app.jar')]),
    CORE_START_TIMEOUT: '5m',
    CORE_QUEUE_WAIT: '5m', // the first request waits for the start
    SCW_PAYLOAD_MAX_SIZE: '32MiB',
    CORE_SCHEDULES: JSON.stringify([{name: 'tidy', cron: '0 0 1 1 *', input: {job: 'tidy'}}]),
  };
  const core = await startCore(env, t);
  const hello = await ask(`${core.url}/hello?name=Ada`);
  t.deepEqual(hello.json(), {hello: 'Ada', invocation: hello.field('core-invocation-id')});
  const body = Buffer.alloc(20_000_000);
  for (const chunked of [false, true]) {
    const headers = {'Content-Type': 'application/octet-stream'};
    t.deepEqual((await ask(`${core.url}/count`, {method: 'POST', headers, body, chunked})).json(), {bytes: body.length});
  }
  t.is((await ask(`${core.url}/ticks`)).text(), 'data: 1\n\ndata: 2\n\ndata: 3\n\n');
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  const fired = await ask(`${core.adminUrl}/api/schedules/tidy/fire`, {method: 'POST'});
  t.is(fired.json().error, undefined, fired.text());
  await core.logged(({msg}) => msg === 'cron: {"job":"tidy"}');
  t.false(core.logs.some(({msg}) => /listens beyond loopback/.test(msg)));
  t.is(await core.stop(), 0);
});
