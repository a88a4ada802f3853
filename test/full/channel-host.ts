import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {projectFile, type RunningCore, runCli, startCore, type Teardown} from '../helpers/core.ts';
import {below, gone} from '../helpers/process.ts';
import {type Answer, ask} from '../helpers/request.ts';
import {becomes, metric, metricIs, restarts} from '../helpers/supervision.ts';

// Twenty calls are open on the channel of one process, among them long bodies in both directions, while something happens to it.

const MiB = 2 ** 20;

/** A function whose calls wait for a gate, and twenty calls that have come to it. */
async function open(t: Parameters<typeof functionFile>[0] & Teardown, env: Record<string, string> = {}) {
  const handler = await functionFile(
    t,
    'handler.cjs',
    `const {existsSync} = require('node:fs');
exports.handle = async event => {
  const {do: what, bytes = '0'} = event.queryStringParameters;
  if (what === 'exit') process.exit(4);
  if (what === 'abort') process.abort();
  if (what === 'fill') for (const kept = []; ; ) kept.push(Buffer.alloc(2 ** 24, 1));
  if (what !== 'now') {
    console.log('runs');
    while (!existsSync(process.env.GATE)) await new Promise(resolve => setTimeout(resolve, 10));
  }
  return {body: String(process.pid) + ' ' + event.body.length + ' ' + 'x'.repeat(Number(bytes))};
};`,
  );
  const gate = path.join(path.dirname(handler), 'gate');
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, GATE: gate, ...env}, t);
  const pid = Number((await ask(`${core.url}/?do=now`)).text().split(' ')[0]);
  const calls = Array.from({length: 20}, (_, index) =>
    ask(`${core.url}/?bytes=${index % 4 === 0 ? MiB : 10}`, {method: 'POST', body: 'y'.repeat(index % 4 === 1 ? MiB : 10)}),
  );
  while (core.logs.filter(({msg}) => msg === 'runs').length < 20) await new Promise(resolve => setTimeout(resolve, 5));
  return {core, pid, calls, openGate: () => writeFile(gate, '')};
}

function isWhole(answer: Answer, index: number, pid: number): boolean {
  const [by, received, text = ''] = answer.text().split(' ');
  const sent = index % 4 === 1 ? MiB : 10;
  return answer.status === 200 && by === String(pid) && received === String(sent) && text.length === (index % 4 === 0 ? MiB : 10);
}

const endings: [does: string, env: Record<string, string>, text: string, reason: string][] = [
  ['exit', {}, 'The sub-runtime exited with code 4 during the call\n', 'exit-nonzero'],
  ['abort', {}, 'The sub-runtime was ended by SIGABRT during the call\n', 'signal'],
  ['fill', {CORE_CHILD_MEMORY: '200MiB'}, 'The sub-runtime ran out of memory and was killed during the call\n', 'oom'],
];

for (const [does, env, text, reason] of endings) {
  test(`a process that ends with 20 calls open (${does}): each is told how it ended, none runs again, and the next process serves`, async t => {
    const {core, pid, calls} = await open(t, env);
    const last = ask(`${core.url}/?do=${does}`);
    for (const answer of await Promise.all([...calls, last])) {
      t.deepEqual([answer.status, answer.field('core-error'), answer.text()], [502, 'UPSTREAM_LOST', text]);
    }
    await becomes(core, 'ready');
    t.not(Number((await ask(`${core.url}/?do=now`)).text().split(' ')[0]), pid);
    t.is(await metric(core, restarts(reason)), 1);
    t.is(core.logs.filter(({msg}) => msg === 'runs').length, 20);
    t.is(await metric(core, 'core_conservation_drift'), 0);
    t.is(await metric(core, 'core_inflight_bytes{kind="event"}'), 0);
  });
}

const finishes = (core: RunningCore) => core.logged(({msg}) => msg === 'Stopping');

test('SIGTERM to the core, or to every process at once, breaks off none of 20 open calls', async t => {
  for (const isToAll of [false, true]) {
    const {core, pid, calls, openGate} = await open(t);
    for (const each of isToAll ? [...below(core.pid), core.pid] : [core.pid]) process.kill(each, 'SIGTERM');
    await finishes(core);
    await openGate();
    for (const [index, answer] of (await Promise.all(calls)).entries()) t.true(isWhole(answer, index, pid), `${answer.status}`);
    t.is(await core.exited, 0);
    t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 20, completed: 20, lost: 0});
    await gone(pid);
  }
});

test('calls that are still open when the grace time is over are told so, and the process is gone', async t => {
  const {core, pid, calls} = await open(t, {CORE_GRACE: '1s'});
  core.kill('SIGTERM');
  for (const answer of await Promise.all(calls)) t.is(answer.status, 502);
  t.is(await core.exited, 0);
  t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 20, lost: 20});
  await gone(pid);
});

test('a reload with 20 calls open: they finish in the old process, new ones are served by the new one', async t => {
  const {core, pid, calls, openGate} = await open(t);
  t.is((await ask(`${core.adminUrl}/api/reload`, {method: 'POST'})).status, 200);
  t.not(Number((await ask(`${core.url}/?do=now`)).text().split(' ')[0]), pid);
  await openGate();
  for (const [index, answer] of (await Promise.all(calls)).entries()) t.true(isWhole(answer, index, pid), `${answer.status}`);
  await gone(pid);
  await metricIs(core, restarts('reloaded'), 1);
});

test('a bridge that stops at the end of its stream, as SIGTERM says nothing to it, is not killed', async t => {
  const handler = await functionFile(t, 'handler.cjs', 'exports.handle = () => {};');
  const journal = `sqlite:${path.join(path.dirname(handler), 'journal.db')}`;
  const bridge = {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/channel-sub-runtime.cjs'), CORE_JOURNAL: journal};
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, ...bridge}, t);
  await becomes(core, 'ready');
  t.is(await core.stop(), 0);
  const {stdout} = await runCli(['facts', '--json', '--journal', journal]);
  const facts = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.like(facts.find(({type}) => type === 'runtime.exited')?.data, {code: 0, signal: null, reason: 'stopped'});
  t.deepEqual(
    core.logs.filter(({level}) => level === 'error'),
    [],
  );
});
