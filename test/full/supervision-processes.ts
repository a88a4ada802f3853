import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {endWhileStarting, projectFile, startCore} from '../helpers/core.ts';
import {gone, isAlive, signalTo} from '../helpers/process.ts';
import {mainProgram} from '../helpers/programs.ts';
import {ask} from '../helpers/request.ts';
import {becomes, loadOn, metric, metricIs, openGate, pidOf, restarts, serve} from '../helpers/supervision.ts';

const ends: [how: string, reason: string, fields: object, told: string][] = [
  ['0', 'exit-zero', {code: 0, signal: null}, 'The sub-runtime exited with code 0'],
  ['3', 'exit-nonzero', {code: 3, signal: null}, 'The sub-runtime exited with code 3'],
  ['SIGSEGV', 'signal', {code: null, signal: 'SIGSEGV'}, 'The sub-runtime was ended by SIGSEGV'],
  ['SIGKILL', 'signal', {code: null, signal: 'SIGKILL'}, 'The sub-runtime was ended by SIGKILL'],
];
for (const [how, reason, fields, told] of ends) {
  test(`a function that ends by ${how}: its class is counted, its last words are logged, its call learns why`, async t => {
    const core = await serve(t, 'exits.cjs');
    const answer = await ask(`${core.url}/?how=${how}`);
    t.is(answer.status, 502);
    t.is(answer.field('core-error'), 'UPSTREAM_LOST');
    t.is(answer.text(), `${told} during the call\n`);
    const line = await core.logged(({msg}) => msg === told);
    t.like(line, {level: 'error', reason, ...fields});
    t.regex(String(line.stderr), new RegExp(`ending by ${how}\\n$`));
    t.is(await metric(core, restarts(reason)), 1);
    await becomes(core, 'ready');
    t.is(await core.stop(), 0);
  });
}

test('a function that ends while it is loaded is started again and again, and readiness says how it ended', async t => {
  const core = await serve(t, 'exits-at-once.cjs');
  const {status, cause} = await becomes(core, 'restarting');
  t.is(status, 503);
  t.is(cause, 'The sub-runtime exited with code 3');
  const line = await core.logged(({msg}) => msg === 'The sub-runtime exited with code 3');
  t.regex(String(line.stderr), /no database/);
  while ((await metric(core, restarts('exit-nonzero'))) < 3);
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  t.is(await core.stop(), 0);
});

test('a function that had served for half a second is started again at once, and never given up on', async t => {
  const core = await serve(t, 'exits.cjs', {CORE_RESTARTS: '0'});
  for (let ends = 1; ends <= 3; ends++) {
    await becomes(core, 'ready');
    await new Promise(resolve => setTimeout(resolve, 600)); // longer is no less well
    t.is((await ask(`${core.url}/?how=3`)).status, 502);
    await metricIs(core, restarts('exit-nonzero'), ends);
  }
  await becomes(core, 'ready');
  t.is(await core.stop(), 0);
});

for (const [kind, env] of [
  ['Node', {}],
  ['foreign', {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/silent-bridge.cjs')}],
] as const) {
  test(`an input that ends the function, however often it comes, never ends it for good: a process that answered has served (${kind})`, async t => {
    const core = await serve(t, 'exits.cjs', {...env, CORE_RESTARTS: '2', CORE_WORKERS: '2'});
    for (let round = 0; round < 12; round++) {
      t.is((await ask(`${core.url}/?how=nothing`)).status, 200);
      t.is((await ask(`${core.url}/?how=3`)).status, 502);
    }
    t.is((await ask(`${core.url}/?how=nothing`)).status, 200);
    t.false(core.logs.some(({msg}) => /again and again/.test(msg)));
  });
}

test('a function that is never ready is killed at CORE_START_TIMEOUT', async t => {
  const core = await serve(t, 'never-ready.cjs', {CORE_START_TIMEOUT: '300ms'});
  const line = await core.logged(({reason}) => reason === 'never-ready');
  t.is(line.msg, 'The sub-runtime was not ready in time and was killed');
  t.is(line.signal, 'SIGKILL');
  await gone(Number(line.pid));
  t.true((await metric(core, restarts('never-ready'))) >= 1);
  await core.stop();
});

test('a program that the system cannot execute does not end the core: it is tried again, and logged', async t => {
  const core = await startCore(
    {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/no-interpreter.sh'), SCW_HANDLER_IS_BINARY: 'true'},
    t,
  );
  const line = await core.logged(({reason}) => reason === 'unspawnable');
  t.regex(line.msg, /could not be started: .*ENOENT/);
  const {cause} = await becomes(core, 'restarting');
  t.regex(cause ?? '', /ENOENT/);
  t.is(await core.stop(), 0);
});

test('processes that the function started do not outlive it', async t => {
  const core = await serve(t, 'forks.cjs');
  const {forked} = (await ask(`${core.url}/?then=exit`)).json();
  await core.logged(({msg}) => msg === 'The sub-runtime exited with code 1');
  await gone(forked);
  t.is(await core.stop(), 0);
});

test('processes that the function started do not outlive the stop', async t => {
  const core = await serve(t, 'forks.cjs');
  const {pid, forked} = (await ask(core.url)).json();
  t.true(isAlive(forked));
  t.is(await core.stop(), 0);
  t.false(isAlive(pid));
  await gone(forked);
});

test('neither the function nor its processes outlive a core that was killed', async t => {
  const core = await serve(t, 'forks.cjs', {CORE_WORKERS: '2'});
  const {pid, forked} = (await ask(core.url)).json();
  core.kill('SIGKILL');
  t.is(await core.exited, null);
  await gone(pid);
  await gone(forked);
  t.pass();
});

test('a function that is just being started does not outlive a core that was killed', async t => {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs')};
  for (let tries = 0; tries < 3; tries++) {
    const {code, childPids} = await endWhileStarting(env, 'SIGKILL', 2); // the orphan killer's shell and the function
    t.is(code, null);
    t.is(childPids.length, 2);
    for (const pid of childPids) await gone(pid);
  }
});

test('a function that takes no TERM is killed, and the core ends with 0', async t => {
  const core = await serve(t, 'ignores-sigterm.cjs');
  const pid = await pidOf(core);
  t.is(await core.stop(), 0);
  t.false(isAlive(pid));
});

test('a function that outgrows CORE_CHILD_MEMORY is ended as out of memory, and the next one serves', async t => {
  const core = await serve(t, 'leaks.cjs', {CORE_CHILD_MEMORY: '300MiB'});
  const before = await pidOf(core);
  const lost = await ask(`${core.url}/?do=leak`);
  t.is(lost.status, 502);
  t.is(lost.text(), 'The sub-runtime ran out of memory and was killed during the call\n');
  t.is(await metric(core, restarts('oom')), 1);
  t.not(await pidOf(core), before);
  await core.stop();
});

test('while the system has no descriptor left the core waits, then starts the function again', async t => {
  const core = await serve(t, 'leaks.cjs');
  const before = await pidOf(core);
  const limit = (descriptors: number) => execFileSync('prlimit', ['--pid', String(core.pid), `--nofile=${descriptors}:4096`]);
  limit(3);
  signalTo(before, 'SIGKILL');
  const {cause} = await core.logged(({msg}) => msg === 'No port could be had for a sub-runtime: trying again');
  t.regex(String(cause), /EMFILE/);
  limit(4096);
  await becomes(core, 'ready');
  t.not(await pidOf(core), before);
  t.is(await core.stop(), 0);
});

test('a function that ends again and again is given up on: readiness says so, callers get 503, the core lives', async t => {
  const core = await serve(t, 'exits-at-once.cjs', {CORE_RESTARTS: '3'});
  const {status, cause} = await becomes(core, 'gave-up');
  t.is(status, 503);
  t.is(cause, 'The sub-runtime exited with code 3; a start is tried every 30 to 60 s');
  const refused = await ask(core.url);
  t.is(refused.status, 503);
  t.is(refused.field('core-error'), 'POOL_GAVE_UP');
  t.regex(refused.field('retry-after') ?? '', /^\d+$/);
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  t.is(await metric(core, 'core_runtime_up'), 0);
  t.is(await core.stop(), 0);
});

test('the function runs as CORE_CHILD_USER and cannot read the core’s environment', async t => {
  if (process.getuid?.() !== 0) return t.pass(); // only root can become another
  const core = await startCore(
    {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/user.sh'), SCW_HANDLER_IS_BINARY: 'true', CORE_CHILD_USER: '65534'},
    t,
  );
  t.regex((await core.logged(({msg}) => msg.startsWith('uid '))).msg, /^uid 65534 gid 65534$/);
  t.is((await core.logged(({msg}) => msg.startsWith('core: '))).msg, 'core: unreadable');
  await core.stop();
});

test('an unknown CORE_CHILD_USER stops the start', async t => {
  await t.throwsAsync(serve(t, 'mirror.cjs', {CORE_CHILD_USER: 'nobody-here'}), {message: /CORE_CHILD_USER: expected a user/});
});

test('the child’s environment is the user’s and the contract’s, without anything secret', async t => {
  const core = await serve(t, 'mirror.cjs', {
    SCW_PUBLIC_KEY: 'canary-key',
    CORE_ADMIN_TOKEN: 'canary-token',
    CORE_TIMEOUT: '7s',
    CORE_WORKERS: '2',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=canary-header',
    MY_OWN: 'mine',
  });
  const environment: Record<string, string> = (await ask(`${core.url}/?do=env`)).json();
  t.notRegex(JSON.stringify(environment), /canary/);
  t.like(environment, {MY_OWN: 'mine', SCW_HANDLER_NAME: 'handle', SCW_UPSTREAM_HOST: '127.0.0.1', CORE_CONCURRENCY: '100'});
  t.deepEqual(
    Object.keys(environment).filter(name => name.startsWith('CORE_')),
    ['CORE_CONCURRENCY'],
  );
  const {pid} = (await ask(`${core.url}/?do=pid`)).json();
  t.notRegex(readFileSync(`/proc/${pid}/environ`, 'utf8'), /canary/);
  await core.stop();
});

test('with two sub-runtimes calls go to the less busy one', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_WORKERS: '2'});
  await metricIs(core, 'core_runtime_up', 2);
  const shares: number[] = [];
  // On a busy machine one that answers late gets no call, however few it has: then once more.
  for (let round = 0; round < 10 && shares.at(-1) !== 2; round++) {
    const gates = await Promise.all([openGate(t), openGate(t), openGate(t), openGate(t)]);
    const held = gates.map(({headers}) => ask(`${core.url}/?do=hold`, {headers}));
    for (const gate of gates) await gate.running();
    for (const gate of gates) await gate.open();
    const pids = (await Promise.all(held)).map(answer => answer.json().pid);
    shares.push(pids.filter(pid => pid === pids[0]).length);
  }
  t.is(shares.at(-1), 2, `of four calls the first of two got ${shares}`);
  await core.stop();
});

test('when one of two dies, what it was sent is a 502 with the reason, what waits goes to the other', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_WORKERS: '2', CORE_CONCURRENCY: '1'});
  await metricIs(core, 'core_runtime_up', 2);
  const [first, second] = await Promise.all([openGate(t), openGate(t)]);
  const one = ask(`${core.url}/?do=hold`, {headers: first.headers});
  await first.running();
  const two = ask(`${core.url}/?do=hold`, {headers: second.headers});
  await second.running();
  const waiting = [1, 2, 3].map(() => ask(core.url));
  await metricIs(core, 'core_queue_depth', 3);
  await second.open();
  const {pid} = (await two).json();
  for (const answer of await Promise.all(waiting)) t.is(answer.json().pid, pid);
  const children = readFileSync(`/proc/${core.pid}/task/${core.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const other = children.find(child => child !== pid && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('bridge.cjs'));
  signalTo(other, 'SIGKILL');
  const lost = await one;
  t.is(lost.status, 502);
  t.is(lost.text(), 'The sub-runtime was ended by SIGKILL during the call\n');
  await metricIs(core, 'core_runtime_up', 2);
  await core.stop();
});

test('under load a dying sub-runtime costs the calls in it and no other', async t => {
  const core = await serve(t, 'mirror.cjs', {CORE_WORKERS: '2'});
  await metricIs(core, 'core_runtime_up', 2);
  const load = loadOn(`${core.url}/?do=pid`, 8);
  while (load.answers.length < 50) await new Promise(resolve => setTimeout(resolve, 5));
  for (let kills = 1; kills <= 3; kills++) {
    signalTo((await ask(`${core.url}/?do=pid`)).json().pid, 'SIGKILL');
    await metricIs(core, restarts('signal'), kills);
    await metricIs(core, 'core_runtime_up', 2);
  }
  const answers = await load.stop();
  const statuses = new Set(answers.map(answer => answer?.status));
  statuses.delete(502);
  t.deepEqual([...statuses], [200]);
  t.true(answers.filter(answer => answer?.status === 502).length <= 24);
  t.is(await core.stop(), 0);
});

test('as PID 1 the core says what is missing, elsewhere it does not', async t => {
  const plain = await serve(t, 'mirror.cjs');
  t.false(plain.logs.some(({msg}) => msg.includes('PID 1')));
  await plain.stop();
  const env = {...plainEnv(), SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs')};
  const first = spawn('unshare', ['--pid', '--fork', '--kill-child', process.execPath, mainProgram], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(first, 'exit').catch(() => []);
  let text = '';
  for await (const chunk of first.stdout) {
    text += chunk;
    if (text.includes('"Listening"')) break;
  }
  first.kill('SIGKILL');
  await ended;
  if (text === '') return t.pass(); // this machine lets nobody have a first process
  t.regex(text, /"level":"warn"[^\n]*Running as PID 1/);
});

const plainEnv = () => ({PATH: process.env.PATH ?? '', PORT: '0', CORE_ADMIN_PORT: '0', SCW_UPSTREAM_PORT: '0', CORE_JOURNAL: 'memory:'});
