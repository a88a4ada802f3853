import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {table} from '../../../../triggers/cron/view.ts';
import {runCli as cli, projectFile, startCore} from '../../../helpers/core.ts';

const nightly = {name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Paris'};
const env = (...schedules: object[]) => ({CORE_SCHEDULES: JSON.stringify(schedules)});
const handler = {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled')};

test('schedules refuses what the start would refuse', async t => {
  const {code, stderr, stdout} = await cli(['schedules'], env({...nightly, timezone: 'Paris'}));
  t.is(code, 78);
  t.is(
    stderr,
    'core-runtime: CORE_SCHEDULES: schedule `nightly`: expected timezone to be an IANA zone such as Europe/Paris, got `Paris`\n',
  );
  t.is(stdout, '');
});

test('without schedules, schedules says so and prints nothing', async t => {
  const {code, stderr, stdout} = await cli(['schedules', '--json'], {CORE_ADMIN_PORT: '1'});
  t.is(code, 0);
  t.is(stdout, '');
  t.is(stderr, 'core-runtime: CORE_SCHEDULES names no schedule, and no core that runs here has one\n');
});

test('schedules prints the next five occurrences of each, as lines of JSON when asked', async t => {
  const {stdout} = await cli(['schedules', '--json'], env(nightly, {name: 'yearly', cron: '0 0 1 1 *'}));
  const [first, second] = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  t.like(first, {name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Paris', catchUp: 'none', overlap: 'allow', jitter: 'none'});
  t.is(first.next.length, 5);
  t.true(second.next.every((time: string) => time.endsWith('-01-01T00:00:00Z')));
  t.regex(
    (await cli(['schedules'], env(nightly))).stdout,
    /^nightly {2}30 2 \* \* \* {2}Europe\/Paris.*\n( {2}\d{4}-\d\d-\d\d \d\d:\d\d:00 \+0[12]:00 {2}.*Z\n){5}/,
  );
});

test('people see what their clocks will show, across a change of the clocks', t => {
  const next = ['2026-03-28T01:30:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'];
  t.is(
    table({...nightly, catchUp: 'none', overlap: 'allow', jitter: '90s', next}),
    [
      'nightly  30 2 * * *  Europe/Paris  catchUp none, overlap allow, jitter 90s',
      '  2026-03-28 02:30:00 +01:00  2026-03-28T01:30:00Z',
      '  2026-03-29 03:00:00 +02:00  2026-03-29T01:00:00Z',
      '  2026-03-30 02:30:00 +02:00  2026-03-30T00:30:00Z',
      '',
    ].join('\n'),
  );
  const west = {...nightly, timezone: 'America/St_Johns', catchUp: 'none', overlap: 'allow', jitter: '90s', next: ['2026-01-01T06:00:00Z']};
  t.regex(table(west), /2026-01-01 02:30:00 -03:30/);
});

test('fire wants one name', async t => {
  for (const args of [['fire'], ['fire', 'a', 'b']]) {
    const {code, stderr} = await cli(args);
    t.is(code, 64);
    t.regex(stderr, /expected the name of one schedule, as in `core-runtime fire nightly`/);
  }
});

test('fire without a running core says so', async t => {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => free.once('listening', resolve));
  const {port} = free.address() as AddressInfo;
  await new Promise(resolve => free.close(resolve));
  const {code, stderr} = await cli(['fire', 'nightly'], {CORE_ADMIN_PORT: String(port)});
  t.is(code, 69);
  t.is(
    stderr,
    `core-runtime: no core answers at http://127.0.0.1:${port} (ECONNREFUSED): start one, or set CORE_ADMIN_HOST and CORE_ADMIN_PORT to where it listens\n`,
  );
});

test('fire at something that is not a core says so', async t => {
  const other = createServer((_request, response) => response.writeHead(404).end('nothing here')).listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await new Promise(resolve => other.once('listening', resolve));
  const {code, stderr} = await cli(['fire', 'nightly'], {CORE_ADMIN_PORT: String((other.address() as AddressInfo).port)});
  t.is(code, 69);
  t.regex(stderr, /what answers there does not know schedules \(status 404\)/);
});

test('fire runs a schedule through the running core, with its token, and prints the outcome', async t => {
  const yearly = {name: 'yearly', cron: '0 0 1 1 *'};
  const token = {CORE_ADMIN_TOKEN: 'a-token-of-this-test'};
  const core = await startCore({...handler, ...env(yearly, {...yearly, name: 'fails', input: {do: 'throw'}}), ...token}, t);
  const here = {CORE_ADMIN_PORT: new URL(core.adminUrl).port};

  const refused = await cli(['fire', 'yearly'], here);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the bearer token of CORE_ADMIN_TOKEN is needed/);
  t.regex((await cli(['schedules'], {...here, ...token})).stdout, /^yearly [\s\S]*^fails /m, 'those of the core');
  const unknown = await cli(['fire', 'weekly'], {...here, ...token});
  t.is(unknown.code, 1);
  t.is(unknown.stderr, 'core-runtime: there is no schedule `weekly`; there is yearly, fails\n');
  const failed = await cli(['fire', 'fails'], {...here, ...token});
  t.is(failed.code, 1);
  t.regex(
    failed.stdout,
    /^fails of \S+scheduled\.cjs ran for .*Z as invocation [0-9a-f-]+: 500 An error occured during handler execution: thrown on purpose\n$/,
  );

  const ran = await cli(['fire', 'yearly', '--at', '2026-01-01T00:00:00Z', '--json'], {...here, ...token});
  t.is(ran.code, 0);
  t.like(JSON.parse(ran.stdout), {schedule: 'yearly', occurrence: '2026-01-01T00:00:00Z', status: 200});
  t.regex((await cli(['fire', 'yearly'], {...here, ...token})).stdout, /: executed properly\n$/);
});
