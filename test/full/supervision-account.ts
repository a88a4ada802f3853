import {readdirSync, readFileSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore} from '../helpers/core.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {askAndLeave, metric, metricIs, openGate, pidOf, restarts, serve} from '../helpers/supervision.ts';

/*
The one account of processes: a place has two at most, whatever callers do. Counted by what the system knows of them, not by
what the core says.
*/

/** A sub-runtime that does not end a call at its deadline, as our own bridges do. */
const silent = {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/silent-bridge.cjs')};
const processes = 'core_runtime_processes{place="0"}';

/** Processes of the function that this core has started and that have not ended. */
function countProcesses(core: RunningCore): number {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return parent === String(core.pid) && state !== 'Z' && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('bridge.cjs');
    } catch {
      return false; // it ended while we looked
    }
  }).length;
}

/** Looks again and again. */
function watchProcesses(t: ExecutionContext, core: RunningCore) {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, countProcesses(core));
  }, 10);
  t.teardown(() => clearInterval(timer));
  return () => {
    clearInterval(timer);
    return most;
  };
}

const kinds: [kind: string, env: Record<string, string>][] = [
  ['Node', {}],
  ['foreign', silent],
  ['Node, one call at a time', {CORE_CONCURRENCY: '1'}],
  ['foreign, one call at a time', {...silent, CORE_CONCURRENCY: '1'}],
];
for (const [kind, env] of kinds) {
  test(`a caller that waits for less time than the call takes starts no process and ends none: ${kind}`, async t => {
    const core = await serve(t, 'holds.cjs', env);
    const before = await pidOf(core);
    const most = watchProcesses(t, core);
    for (let round = 0; round < 3; round++) {
      const gate = await openGate(t);
      const blocking = ask(`${core.url}/?do=block`, {headers: {...gate.headers, 'Core-Timeout': '100ms'}});
      // On the channel, with several calls at a time, a caller that waits gets a spare: that is tested in liveness.ts.
      const neighbour = kind === 'Node' ? before : pidOf(core);
      t.is((await blocking).status, 504);
      await new Promise(resolve => setTimeout(resolve, 1500)); // longer than any patience with a call past its deadline
      await gate.open();
      t.is(await neighbour, before);
    }
    t.is(most(), 1);
    t.is(await metric(core, processes), 1);
    t.is(await metric(core, restarts('stuck')), 0);
  });
}

test('a caller that leaves starts no process and ends none before CORE_TIMEOUT', async t => {
  const core = await serve(t, 'holds.cjs', {...silent, CORE_CANCEL: 'abort'});
  const before = await pidOf(core);
  for (let round = 0; round < 3; round++) {
    const gate = await openGate(t);
    const caller = askAndLeave(`${core.url}/?do=hold`, {...gate.headers, 'Core-Timeout': '100ms'});
    await gate.running();
    caller.leave();
    await new Promise(resolve => setTimeout(resolve, 1300));
    t.is(await pidOf(core), before);
    await gate.open();
  }
  t.is(countProcesses(core), 1);
});

test('of reloads in a row while long calls run each call finishes in its process: five at most', async t => {
  const core = await serve(t, 'holds.cjs');
  await pidOf(core);
  const most = watchProcesses(t, core);
  const held = [];
  for (let round = 0; round < 4; round++) {
    const gate = await openGate(t);
    held.push({gate, answer: ask(`${core.url}/?do=hold`, {headers: gate.headers})});
    await gate.running();
    t.is((await ask(`${core.adminUrl}/api/reload`, {method: 'POST'})).status, 200);
  }
  t.is((await ask(`${core.adminUrl}/api/reload`, {method: 'POST'})).status, 409);
  t.is(most(), 5);
  for (const {gate, answer} of held) {
    await gate.open();
    t.is((await answer).status, 200);
  }
  await metricIs(core, processes, 1);
});

async function serveSlowSpare(t: ExecutionContext, env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'spare-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const mark = join(folder, 'mark');
  const core = await serve(t, 'slow-spare.cjs', {...silent, CORE_TIMEOUT: '3s', MARK: mark, ...env});
  await metricIs(core, 'core_runtime_up', 1); // a deadline may not pass while it starts
  return {core, open: () => writeFile(`${mark}.open`, '')};
}

test('while the spare of a process starts slowly, that process serves on; its calls finish, then it goes', async t => {
  const {core, open} = await serveSlowSpare(t, {CORE_TIMEOUT: '10s'});
  const before = await pidOf(core);
  const [never, neighbour] = await Promise.all([openGate(t), openGate(t)]);
  t.is((await ask(`${core.url}/?do=hold`, {headers: never.headers})).status, 504);
  await core.logged(({msg}) => /sub-runtime is replaced/.test(msg));
  await metricIs(core, processes, 2);
  for (let call = 0; call < 20; call++) t.is(await pidOf(core), before);
  const held = ask(`${core.url}/?do=hold`, {headers: neighbour.headers});
  await neighbour.running();
  await open();
  let after = before;
  while (after === before) after = await pidOf(core);
  t.true(isAlive(before)); // its neighbour is in it
  await neighbour.open();
  t.is((await held).json().pid, before);
  await gone(before);
  await metricIs(core, restarts('stuck'), 1);
  const told = await core.logged(({reason}) => reason === 'stuck');
  t.like(told, {level: 'error', msg: 'The sub-runtime was stuck and was replaced', pid: before});
  t.regex(String(told.stderr), /last words/);
  t.is(await pidOf(core), after);
  t.is(await metric(core, 'core_conservation_drift'), 0);
  await metricIs(core, processes, 1);
});

test('a blocked process is given one call while its spare starts slowly: the others wait for the spare', async t => {
  const {core, open} = await serveSlowSpare(t, {CORE_TIMEOUT: '10s'});
  const before = await pidOf(core);
  const never = await openGate(t);
  t.is((await ask(`${core.url}/?do=block`, {headers: never.headers})).status, 504);
  await core.logged(({msg}) => /sub-runtime is replaced/.test(msg));
  await metricIs(core, processes, 2);
  const answers = Promise.all(Array.from({length: 5}, () => ask(core.url)));
  await new Promise(resolve => setTimeout(resolve, 1500)); // longer than the process rests
  await open();
  const lost = (await answers).filter(({status}) => status !== 200);
  t.true(lost.length <= 1, `${lost.length} calls were lost`);
  await gone(before);
});

test('a spare that cannot load the function takes over from no process: the old one goes on serving', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'spare-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const mark = JSON.stringify(join(folder, 'mark'));
  const handler = join(folder, 'handler.cjs');
  await writeFile(
    handler,
    `const fs = require('fs');
    if (fs.existsSync(${mark})) throw new Error('no longer');
    fs.writeFileSync(${mark}, '');
    // Blocks its process for longer than any call may take, and then serves on.
    exports.handle = async event => {
      const until = Date.now() + Number(event.queryStringParameters.blockMs ?? 0);
      while (Date.now() < until);
      return {body: {pid: process.pid}};
    };`,
  );
  const core = await serve(t, 'holds.cjs', {SCW_HANDLER_PATH: handler, CORE_TIMEOUT: '4s'});
  await metricIs(core, 'core_runtime_up', 1);
  const before = await pidOf(core);
  t.is((await ask(`${core.url}/?blockMs=8000`)).status, 504);
  await core.logged(({msg}) => msg === 'The handler could not be loaded');
  await metricIs(core, processes, 1);
  let answer = await ask(core.url);
  while (answer.status !== 200) answer = await ask(core.url);
  t.is(answer.json().pid, before);
  t.is(await metric(core, 'core_runtime_up'), 1);
});
