import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {functionPids, openBlocking, said, spares, type Told} from '../helpers/blocking.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {type Answer, ask} from '../helpers/request.ts';
import {metric, metricIs, openGate, serve} from '../helpers/supervision.ts';

const all = <Value>(length: number, make: () => Promise<Value>) => Promise.all(Array.from({length}, make));

for (const neighbours of [20, 99]) {
  test(`a block of 5 s costs its ${neighbours} neighbours the wait, and nobody who comes later`, async t => {
    const {core, send, ran, running, noticed, sent} = await openBlocking(t);
    const waits = all(neighbours, () => send('do=wait&ms=1000'));
    await running(neighbours);
    let isBlocked = true;
    const blocking = send('do=block&ms=5000').finally(() => {
      isBlocked = false;
    });
    await running(neighbours + 1);
    const {early} = await noticed();
    const later = await all(20, () => send(''));
    t.true(isBlocked, 'they did not wait for the end of the block');
    const [{pid: blocked}, before] = [await blocking, await waits];
    for (const {answer} of await Promise.all(early)) t.is(answer.status, 200);
    for (const {answer, pid} of before) t.deepEqual([answer.status, pid], [200, blocked]);
    for (const {answer, pid} of later) {
      t.is(answer.status, 200);
      t.not(pid, blocked);
    }
    await gone(Number(blocked));
    t.is(functionPids(core).length, 1);
    t.is(await metric(core, spares('took-over')), 1);
    t.is(said(core, /does not answer while callers wait.*: a spare is started/).length, 1);
    t.is(said(core, /The spare has taken over/).length, 1);
    t.deepEqual(
      ran().toSorted((a, b) => a - b),
      Array.from({length: sent()}, (_, index) => index),
      'each call ran once',
    );
    t.is(await metric(core, 'core_conservation_drift'), 0);
  });
}

test('a block without end: what was sent is answered 504 at its deadline, what comes later is served, and the process ends', async t => {
  const {core, send, running, noticed} = await openBlocking(t, {CORE_TIMEOUT: '6s'});
  const waits = all(20, () => send('do=wait&ms=2000'));
  await running(20);
  const blocking = send('do=block');
  await running(21);
  const {early} = await noticed();
  const {pid} = await send('');
  t.true(pid !== undefined);
  for (const {answer} of [await blocking, ...(await waits)]) t.is(answer.status, 504);
  for (const each of await Promise.all(early)) t.true(each.answer.status === 504 || each.pid === pid);
  const [oldest] = functionPids(core);
  if (oldest !== undefined && oldest !== pid) await gone(oldest);
  t.deepEqual(functionPids(core), [pid]);
  t.is((await send('')).pid, pid);
});

test('three places: while one process is blocked the others serve, and no spare is started', async t => {
  const {core, send, running} = await openBlocking(t, {CORE_WORKERS: '3'});
  const blocking = send('do=block&ms=3000');
  await running(1);
  const later = await all(40, () => send('do=wait&ms=10'));
  const {pid: blocked} = await blocking;
  for (const {answer} of later) t.is(answer.status, 200);
  t.true(later.filter(({pid}) => pid === blocked).length <= 20, 'only those that came before it was noticed');
  t.deepEqual(said(core, /a spare is started/), []);
  t.is(functionPids(core).length, 3);
});

test('three places, all blocked: callers are served by spares, at most one in each place', async t => {
  const {core, send, running, noticed} = await openBlocking(t, {CORE_WORKERS: '3'});
  let blocked = 3;
  const blocking = all(3, () => send('do=block&ms=15000').finally(() => blocked--));
  await running(3);
  const {early} = await noticed();
  const pids: number[] = [];
  for (let rounds = 0; rounds < 10; rounds++) {
    const later = await all(20, () => send(''));
    for (const {answer} of later) t.is(answer.status, 200);
    pids.push(functionPids(core).length);
  }
  t.is(blocked, 3);
  t.true(Math.max(...pids) <= 6);
  for (const {answer} of [...(await blocking), ...(await Promise.all(early))]) t.is(answer.status, 200);
});

test('two blocked processes in one place: callers wait, and no call is broken off for a third', async t => {
  const {core, send, running, ran, noticed, sent} = await openBlocking(t, {CORE_QUEUE_WAIT: '60s'});
  const first = send('do=block&ms=5000');
  await running(1);
  const {early} = await noticed();
  const secondId = sent();
  const second = send('do=block&ms=4000');
  while (!ran().includes(secondId)) await new Promise(resolve => setTimeout(resolve, 5));
  const rest: Promise<Told>[] = [];
  for (let calls = 0; calls < 20; calls++) {
    rest.push(send(''));
    await new Promise(resolve => setTimeout(resolve, 20)); // the first may still come to the second process
  }
  const most: number[] = [];
  const watch = setInterval(() => most.push(functionPids(core).length), 50);
  const answers = [await first, await second, ...(await Promise.all([...rest, ...early]))];
  clearInterval(watch);
  for (const {answer} of answers) t.is(answer.status, 200);
  t.not(answers[0]?.pid, answers[1]?.pid);
  t.true(Math.max(...most) <= 2);
  t.is(ran().length, sent(), 'each ran once');
});

test('a handler that awaits is never doubted for long: no spare, one process', async t => {
  const {core, send, running} = await openBlocking(t);
  const waits = all(50, () => send('do=wait&ms=3000'));
  await running(50);
  const pids = new Set<number | undefined>();
  for (let calls = 0; calls < 50; calls++) pids.add((await send('')).pid);
  for (const {pid} of await waits) pids.add(pid);
  t.is(pids.size, 1);
  t.deepEqual(said(core, /spare/), []);
  t.true(isAlive(Number([...pids][0])));
});

test('a block of half a second without callers needs no spare', async t => {
  const {core, send, running} = await openBlocking(t);
  const waits = all(20, () => send('do=wait&ms=1000'));
  await running(20);
  const {pid} = await send('do=block&ms=500');
  for (const each of await waits) t.is(each.pid, pid);
  t.is((await send('')).pid, pid);
  t.is(await metric(core, spares('took-over')), 0);
});

test('a process that answers again before its spare is ready serves on, and the spare is ended', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'spare-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const mark = join(folder, 'mark');
  const core = await serve(t, 'slow-spare.cjs', {MARK: mark});
  const before = (await ask(core.url)).json().pid;
  const gate = await openGate(t);
  const blocking = ask(`${core.url}/?do=block`, {headers: gate.headers});
  await gate.running();
  const callers: Promise<Answer>[] = [];
  while (said(core, /: a spare is started/).length === 0) {
    callers.push(ask(core.url));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  await gate.open();
  for (const answer of [await blocking, ...(await Promise.all(callers))]) t.is(answer.json().pid, before);
  await writeFile(`${mark}.open`, '');
  await metricIs(core, spares('not-needed'), 1);
  t.is(said(core, /answers again: its spare is ended/).length, 1);
  t.is((await ask(core.url)).json().pid, before);
  while (functionPids(core).length > 1) await new Promise(resolve => setTimeout(resolve, 5));
  t.deepEqual(functionPids(core), [before]);
  t.is(await core.stop(), 0);
});

test('a stop while a process is blocked and its spare loads ends with the grace time, and leaves no process', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'spare-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const core = await serve(t, 'slow-spare.cjs', {MARK: join(folder, 'mark'), CORE_GRACE: '1s'});
  t.is((await ask(core.url)).status, 200);
  const gate = await openGate(t);
  const blocking = ask(`${core.url}/?do=block`, {headers: gate.headers});
  await gate.running();
  const callers: Promise<Answer>[] = [];
  while (functionPids(core).length < 2) {
    callers.push(ask(core.url));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  const pids = functionPids(core);
  t.is(pids.length, 2);
  core.kill('SIGTERM');
  t.is((await blocking).status, 502);
  for (const {status} of await Promise.all(callers)) t.true(status === 502 || status === 503);
  t.is(await core.exited, 0);
  for (const pid of pids) await gone(pid);
  const last = core.logs.at(-1);
  t.like(last, {msg: 'Stopped', accepted: callers.length + 1, completed: 0});
  t.is(Number(last?.lost) + Number(last?.handedBack), callers.length + 1);
});
