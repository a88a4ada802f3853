import http from 'node:http';
import test from 'ava';
import {projectFile, type RunningCore} from '../helpers/core.ts';
import {below, gone, isAlive, signalTo} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {becomes, metric, metricIs, openGate, readiness, serve, siblingsOf} from '../helpers/supervision.ts';

// Core processes beside the leader that are stopped, loop, crash or are killed.

const three = {CORE_PROCESSES: '3'};
const broken = {NODE_OPTIONS: `--import ${projectFile('test/fixtures/broken-sibling.mjs')}`};

const processRestarts = (reason: string) => `core_processes_restarts_total{reason="${reason}"}`;
const answered = 'http_requests_total{code="200",method="GET"}';
const timed = ['http_request_duration_seconds_count', 'faas_invoke_duration_seconds_count{trigger="http"}'];

const restarted = (core: RunningCore) => core.logged(({msg}) => msg === 'A core process ended: it is started again');

for (const [what, signal] of [
  ['is stopped', 'SIGSTOP'],
  ['loops', 'SIGUSR2'],
] as const) {
  test(`a process that ${what} is noticed, logged, ended and replaced; callers do not hang in it`, async t => {
    const core = await serve(t, 'holds.cjs', {...three, ...broken});
    await metricIs(core, 'core_processes_up', 3);
    const [first = 0] = siblingsOf(core);
    signalTo(first, signal);
    const calls = Array.from({length: 30}, () => ask(core.url).catch(() => undefined)); // a third of them goes to it
    const state = await becomes(core, 'restarting');
    t.is(state.status, 503);
    t.is(state.cause, 'a core process does not answer');
    const line = await core.logged(({msg}) => msg === 'A core process does not answer: it is ended');
    t.is(line.pid, first);
    t.like(await restarted(core), {pid: first, reason: 'stuck', signal: 'SIGKILL'});
    await gone(first);
    t.deepEqual(new Set((await Promise.all(calls)).map(answer => answer?.status ?? 200)), new Set([200]));
    await becomes(core, 'ready');
    await metricIs(core, 'core_processes_up', 3);
    t.is(await metric(core, processRestarts('stuck')), 1);
    t.is(siblingsOf(core).length, 2);
    for (let calls = 0; calls < 30; calls++) t.is((await ask(core.url)).status, 200);
    t.is(await core.stop(), 0);
  });
}

test('the wait of a reload for a process that is stopped is bounded: the next process has the new code', async t => {
  const core = await serve(t, 'holds.cjs', three);
  const [first = 0] = siblingsOf(core);
  signalTo(first, 'SIGSTOP');
  t.is((await ask(`${core.adminUrl}/api/reload`, {method: 'POST'})).status, 200);
  await restarted(core);
  await becomes(core, 'ready');
  t.is(await core.stop(), 0);
});

/** A connection that leads to one of the processes; `called` is told of each call that it took to find it. */
async function connectionTo(core: RunningCore, sibling: number, called = () => {}): Promise<http.Agent> {
  for (;;) {
    called();
    const agent = new http.Agent({keepAlive: true, maxSockets: 1});
    const {pid} = (await ask(core.url, {agent})).json();
    if (below(sibling).includes(pid)) return agent;
    agent.destroy();
  }
}

for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
  test(`the wait of a stop for a process that has got ${signal} is bounded, and its calls count as lost`, async t => {
    const core = await serve(t, 'holds.cjs', three);
    const [first = 0] = siblingsOf(core);
    const agent = await connectionTo(core, first);
    const gate = await openGate(t);
    const held = ask(`${core.url}/?do=hold`, {headers: gate.headers, agent}).catch(() => undefined);
    await gate.running();
    while ((await metric(core, 'http_requests_in_flight')) < 1); // it has said so
    core.kill('SIGTERM');
    await core.logged(({msg}) => msg === 'Stopping');
    signalTo(first, signal);
    t.is(await core.exited, 0);
    t.is(await held, undefined);
    t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 1, completed: 0, lost: 1});
    t.true(core.logs.some(({msg, pid}) => msg.startsWith('A core process ended before it had drained') && pid === first));
    t.false(isAlive(first));
  });
}

test('what a process has counted stays counted when it is killed, and while it does not answer', async t => {
  const core = await serve(t, 'holds.cjs', three);
  const [first = 0, second = 0] = siblingsOf(core);
  let sent = 0;
  const called = () => void sent++;
  const agents = [await connectionTo(core, first, called), await connectionTo(core, second, called)];
  for (const agent of agents) for (let calls = 0; calls < 50; calls++, sent++) await ask(core.url, {agent});
  await metricIs(core, answered, sent);
  const counts = async () => Promise.all([answered, ...timed].map(sample => metric(core, sample)));
  const all = [sent, sent, sent];
  signalTo(first, 'SIGKILL');
  signalTo(second, 'SIGSTOP');
  do t.deepEqual(await counts(), all);
  while (!core.logs.some(({msg, reason}) => msg.startsWith('A core process ended') && reason === 'stuck'));
  await metricIs(core, 'core_processes_up', 3);
  t.deepEqual(await counts(), all);
  t.is(await metric(core, processRestarts('signal')), 1);
  t.is(await metric(core, processRestarts('stuck')), 1);
  t.is(await metric(core, 'http_requests_in_flight'), 0);
  for (const agent of agents) agent.destroy();
  t.is(await core.stop(), 0);
});

test('processes that end as they start are started again at growing intervals; the leader serves meanwhile', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_PROCESSES: '2', BROKEN_SIBLING: '{"level":"info","msg":"cut', ...broken});
  const waits = () => core.logs.flatMap(({msg, afterMs, reason}) => (msg.startsWith('A core process ended') ? [{afterMs, reason}] : []));
  await core.logged(() => waits().length === 4);
  t.deepEqual(
    waits(),
    [200, 400, 800, 1600].map(afterMs => ({afterMs, reason: 'exit-nonzero'})),
  );
  t.is((await ask(core.url)).status, 200);
  t.is((await readiness(core)).phase, 'restarting');
  t.is(await metric(core, 'core_processes_up'), 1);
  t.true((await metric(core, processRestarts('exit-nonzero'))) >= 4);
  t.true((await metric(core, 'core_log_lines_dropped_total')) >= 4, 'a record that its end has cut off is none, and counted');
  t.is(await core.stop(), 0);
});

test('while the leader is stopped the others serve on; it ends none of them when it goes on', async t => {
  const core = await serve(t, 'holds.cjs', three);
  const siblings = siblingsOf(core);
  const agents = await Promise.all(siblings.map(sibling => connectionTo(core, sibling)));
  core.kill('SIGSTOP');
  while (!core.stderr().includes('The leading core process does not answer')) {
    for (const agent of agents) t.is((await ask(core.url, {agent})).status, 200);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  core.kill('SIGCONT');
  await becomes(core, 'ready');
  for (const agent of agents) agent.destroy();
  t.deepEqual(siblingsOf(core), siblings);
  t.is(await core.stop(), 0);
  t.false(core.logs.some(({msg}) => msg.startsWith('A core process')));
});
