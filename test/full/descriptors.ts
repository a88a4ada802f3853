import {execFileSync} from 'node:child_process';
import {readdirSync} from 'node:fs';
import net from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {signalTo} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {becomes, metric, metricIs, pidOf, restarts} from '../helpers/supervision.ts';
import {Wire} from '../helpers/wire.ts';

/*
A process has only so many descriptors. Strangers who open connections must not take those that the function, its calls and the
journal need.
*/

const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/exits.cjs')};
const mirror = {...env, SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror.cjs')};

/** Calls the function on an open connection of a core that may open no more descriptors. */
async function callWithoutDescriptors(t: ExecutionContext, core: RunningCore): Promise<Wire> {
  await metricIs(core, 'core_runtime_up', 1);
  const wire = new Wire(core.url);
  t.teardown(async () => wire.destroy());
  await wire.write('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
  t.is((await wire.replies(1))[0]?.status, 200);
  limit(core, 3);
  await wire.write('GET /?do=pid HTTP/1.1\r\nHost: a\r\n\r\n');
  return wire;
}

/** Opens connections and sends nothing. How many of them the core keeps. */
async function occupy(t: ExecutionContext, url: string, count: number): Promise<net.Socket[]> {
  const {port} = new URL(url);
  const sockets = Array.from({length: count}, () => net.connect(Number(port), '127.0.0.1'));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    sockets.map(socket => new Promise<void>(resolve => socket.on('error', () => resolve()).once('connect', () => resolve()))),
  );
  return sockets;
}

const openDescriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
const limit = (core: RunningCore, descriptors: number) =>
  execFileSync('prlimit', ['--pid', String(core.pid), `--nofile=${descriptors}:4096`]);

test('strangers who hold every connection do not hinder the function: it is started again, and serves when they leave', async t => {
  const core = await startCore(env, t, {descriptors: 128});
  t.is((await ask(`${core.url}/?how=nothing`)).status, 200);
  const strangers = await occupy(t, core.url, 200);
  while ((await metric(core, 'core_connections_refused_total')) < 150);
  t.true(openDescriptors(core.pid) < 110);
  const children = execFileSync('pgrep', ['-P', String(core.pid), '-f', 'bridge.cjs'])
    .toString()
    .trim()
    .split('\n')
    .map(Number);
  t.is(children.length, 1);
  signalTo(children[0], 'SIGKILL');
  await metricIs(core, restarts('signal'), 1);
  await becomes(core, 'ready');
  t.is(await metric(core, restarts('unspawnable')), 0);
  for (const stranger of strangers) stranger.destroy();
  let answer = await ask(`${core.url}/?how=nothing`).catch(() => undefined);
  while (answer === undefined) answer = await ask(`${core.url}/?how=nothing`).catch(() => undefined);
  t.is(answer.status, 200);
});

test('there are as many calls at a time as the process can open connections for, and the others wait', async t => {
  const core = await startCore(mirror, t, {descriptors: 128});
  const line = await core.logged(({msg}) => msg.startsWith('Calls at a time in one sub-runtime: '));
  t.is(line.level, 'warn');
  const answers = await Promise.all(Array.from({length: 25}, () => ask(`${core.url}/?do=pid`)));
  t.deepEqual(new Set(answers.map(({status}) => status)), new Set([200]));
});

test('a call over HTTP for which no descriptor is left does not run: the answer is 503, and the process is not replaced', async t => {
  const core = await startCore({...mirror, CORE_HOP: 'http'}, t);
  const wire = await callWithoutDescriptors(t, core);
  const [, refused] = await wire.replies(2);
  t.is(refused?.status, 503);
  t.is(refused?.field('core-error'), 'POOL_BUSY');
  t.is(refused?.body.toString(), 'The host has nothing left for a call: too many descriptors are open\n');
  t.regex(refused?.field('retry-after') ?? '', /^\d+$/);
  limit(core, 4096);
  await wire.write('GET /?do=pid HTTP/1.1\r\nHost: a\r\n\r\n');
  t.is((await wire.replies(3))[2]?.status, 200);
  t.is(await metric(core, restarts('stuck')), 0);
});

test('while the host refuses every start the function is not given up, however long that lasts', async t => {
  const core = await startCore({...mirror, SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/leaks.cjs'), CORE_RESTARTS: '0'}, t);
  const before = await pidOf(core);
  const own = openDescriptors(core.pid);
  limit(core, own + 2); // for the search of a port, not for the pipes of a process
  signalTo(before, 'SIGKILL');
  await core.logged(({msg}) => /could not be started: spawn .*EMFILE|No port could be had/.test(msg));
  await new Promise(resolve => setTimeout(resolve, 1500));
  t.false(core.logs.some(({msg}) => /again and again/.test(msg)));
  limit(core, 4096);
  await becomes(core, 'ready');
  t.not(await pidOf(core), before);
});

test('a function that ends leaves no descriptor open, though a process that left its group holds its pipes', async t => {
  const core = await startCore({...env, SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/abandons.cjs')}, t);
  const orphans: number[] = [];
  let before = 0;
  for (let round = 0; round < 6; round++) {
    orphans.push((await ask(core.url)).json().orphan);
    t.is((await ask(`${core.url}/?then=exit`)).status, 502);
    await metricIs(core, restarts('exit-nonzero'), round + 1);
    await becomes(core, 'ready');
    await core.logged(
      ({msg, stderr}) => msg === 'The sub-runtime exited with code 1' && String(stderr).includes(`round of ${orphans[round]}`),
    );
    if (round === 1) before = openDescriptors(core.pid);
  }
  t.true(openDescriptors(core.pid) <= before + 2, `${openDescriptors(core.pid)} after ${before}`);
  orphans.push((await ask(core.url)).json().orphan);
  for (const orphan of orphans) signalTo(-orphan, 'SIGKILL');
});

test('a call on the channel needs no descriptor', async t => {
  const core = await startCore(mirror, t);
  const wire = await callWithoutDescriptors(t, core);
  t.is((await wire.replies(2))[1]?.status, 200);
});
