import {createServer} from 'node:net';
import test from 'ava';
import {projectFile, type RunningCore, refuseCore, startCore} from '../helpers/core.ts';
import {below, gone, signalTo} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {becomes, editableHandler, loadOn, metric, metricIs, pidOf, serve, siblingsOf} from '../helpers/supervision.ts';

const three = {CORE_PROCESSES: '3'};

/** Calls until so many functions have answered: the system deals connections out as it likes. */
async function functionsOf(core: RunningCore, count: number): Promise<Set<number>> {
  const pids = new Set<number>();
  while (pids.size < count) pids.add(await pidOf(core));
  return pids;
}

for (const given of ['0', '65', 'all', '-1', '1.5']) {
  test(`CORE_PROCESSES=${given} stops the start`, async t => {
    const {code, stderr} = await refuseCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: '/tmp/f.cjs', CORE_PROCESSES: given});
    t.is(code, 78);
    t.regex(stderr, /CORE_PROCESSES: expected auto, or an integer from 1 to 64, got/);
  });
}

test('a port that another program has is not shared with it', async t => {
  const other = createServer();
  await new Promise<void>(resolve => other.listen({port: 0, reusePort: true}, resolve));
  t.teardown(() => new Promise<void>(resolve => other.close(() => resolve())));
  const {port} = other.address() as {port: number};
  await t.throwsAsync(serve(t, 'holds.cjs', {...three, PORT: String(port)}), {message: /PORT: expected a free port/});
});

test('every process serves with functions of its own; metrics and the journal are those of all', async t => {
  const core = await serve(t, 'holds.cjs', {...three, CORE_WORKERS: '6'});
  t.is(siblingsOf(core).length, 2);
  await metricIs(core, 'core_runtime_up', 6);
  const pids = new Set<number>();
  let asked = 0;
  for (; pids.size < 4; asked++) pids.add(await pidOf(core));
  await metricIs(core, 'http_requests_total{code="200",method="GET"}', asked);
  await metricIs(core, 'faas_invocations_total{trigger="http",outcome="ok"}', asked);
  await metricIs(core, 'core_conservation_drift', 0);
  const recorded = async () => (await ask(`${core.adminUrl}/api/invocations?limit=1000`)).json().invocations.length;
  while ((await recorded()) < asked);
  t.is(await recorded(), asked);
  const {cores} = (await ask(`${core.adminUrl}/api/processes`)).json();
  t.deepEqual(cores.map(({pid}: {pid: number}) => pid).sort(), [core.pid, ...siblingsOf(core)].sort());
  t.deepEqual(
    cores.map(({leader, places}: {leader: boolean; places: object[]}) => [leader, places.length]),
    [
      [true, 2],
      [false, 2],
      [false, 2],
    ],
  );
  const now = (await ask(`${core.adminUrl}/api/now`)).json();
  t.like(now, {totals: {requests: asked, errors: 0}, subRuntimes: {ready: 6, wanted: 6}, core: {processes: 3, processesUp: 3}});
  t.is(await core.stop(), 0);
});

test('a line with what only Unicode calls a line separator is one record, whichever process wrote it', async t => {
  const core = await serve(t, 'writes.cjs', {CORE_PROCESSES: '2'});
  const pids = new Set<number>();
  while (pids.size < 2) pids.add((await ask(`${core.url}/?what=separators`)).json().pid);
  t.is(await core.stop(), 0); // every line of its output was parsed
  const lines = core.logs.filter(({msg}) => msg.includes('still')).map(({msg}) => msg);
  t.deepEqual([...new Set(lines)].sort(), ['another\u2028line\u2029still', 'one\u2028line\u2029still']);
});

test('a stop under load loses nothing, and the last line counts all processes', async t => {
  const core = await serve(t, 'holds.cjs', three);
  await functionsOf(core, 3);
  const siblings = siblingsOf(core);
  const load = loadOn(core.url, 12);
  while ((await metric(core, 'http_requests_in_flight')) < 3);
  core.kill('SIGTERM');
  t.is(await core.exited, 0);
  const answers = await load.stop();
  t.deepEqual(new Set(answers.map(answer => answer?.status)), new Set([200, undefined]), 'answered, or refused by the closed port');
  const last = core.logs.at(-1);
  t.like(last, {msg: 'Stopped', lost: 0});
  t.true(Number(last?.accepted) >= 3);
  for (const pid of siblings) await gone(pid);
});

test('a reload reaches every process, and fails no request', async t => {
  const handler = await editableHandler(t, `exports.handle = () => ({body: {says: 'one', pid: process.pid}});`);
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env, ...three}, t);
  await functionsOf(core, 3);
  await handler.write(`exports.handle = () => ({body: {says: 'two', pid: process.pid}});`);
  const load = loadOn(core.url, 6);
  t.is((await ask(`${core.adminUrl}/api/reload`, {method: 'POST'})).status, 200);
  const answers = await load.stop();
  t.deepEqual(new Set(answers.map(answer => answer?.status)), new Set([200]));
  for (let calls = 0; calls < 20; calls++) t.is((await ask(core.url)).json().says, 'two');
  await handler.write('exports.handle = () => {');
  const refused = await ask(`${core.adminUrl}/api/reload`, {method: 'POST'});
  t.is(refused.status, 409);
  for (let calls = 0; calls < 20; calls++) t.is((await ask(core.url)).json().says, 'two');
  t.is(await core.stop(), 0);
});

test('a process that ends is started again; until then the core is not ready', async t => {
  const core = await serve(t, 'holds.cjs', three);
  const [first = 0] = siblingsOf(core);
  const functions = below(first);
  signalTo(first, 'SIGKILL');
  await core.logged(({msg}) => msg === 'A core process ended: it is started again');
  for (const pid of functions) await gone(pid);
  await becomes(core, 'ready');
  t.is(siblingsOf(core).length, 2);
  t.false(siblingsOf(core).includes(first));
  t.is((await ask(core.url)).status, 200);
  t.is(await core.stop(), 0);
});

test('nothing outlives a leader that was killed', async t => {
  const core = await serve(t, 'holds.cjs', three);
  await metricIs(core, 'core_runtime_up', 3);
  const all = below(core.pid);
  core.kill('SIGKILL');
  for (const pid of all) await gone(pid);
  t.true(all.length >= 5);
});

test('a schedule fires in one process', async t => {
  const core = await startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
      CORE_SCHEDULES: JSON.stringify([{name: 'often', cron: '* * * * * *', input: {}}]),
      ...three,
    },
    t,
  );
  const occurrences = () =>
    core.logs.flatMap(({source, msg}) => (source === 'function' ? [JSON.parse(msg).requestContext.schedule.occurrence as string] : []));
  await core.logged(() => occurrences().length >= 3);
  t.is(await core.stop(), 0);
  t.is(new Set(occurrences()).size, occurrences().length);
});

test('doubts about the settings are logged once, with any number of processes', async t => {
  const doubtful = {SCW_PUBLIC: 'True', CORE_NO_SETTING: 'x', OTEL_TRACES_EXPORTER: 'none,nobody'};
  const core = await serve(t, 'holds.cjs', {CORE_PROCESSES: '2', ...doubtful});
  await metricIs(core, 'core_runtime_up', 2);
  t.is(await core.stop(), 0);
  const said = core.logs.filter(({level}) => level === 'warn').map(({msg}) => msg);
  for (const name of ['SCW_PUBLIC', 'The function is private', 'CORE_NO_SETTING', 'OTEL_TRACES_EXPORTER'])
    t.true(said.filter(msg => msg.startsWith(name)).length > 0, name);
  t.deepEqual(said, [...new Set(said)]);
});
