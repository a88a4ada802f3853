import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {event} from '../../protocols/event/index.ts';
import {type Clock, systemClock} from '../../src/clock.ts';
import type {Fact} from '../../src/facts.ts';
import {openWorkers, type Workers} from '../../src/workers/index.ts';
import {functionFile} from '../helpers/bridge.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {signalTo} from '../helpers/process.ts';

/** Real processes, but nobody waits between two starts. */
const impatient: Clock = {...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal)};
const soon = () => ({monotonicMs: systemClock.monotonic() + 60_000, timeoutMs: 60_000});
const exits = 'process.exit(1)';
const loads = `require('fs').writeSync(3, '{"loaded":true}\\n'); setInterval(() => {}, 1000)`;

/** Sub-runtimes that are a program of the test's own, which it may write anew. */
async function open(t: ExecutionContext, program: string, workers = 1, {clock = impatient, restarts = 10} = {}) {
  const file = await functionFile(t, 'program.cjs', program);
  const facts: Fact[] = [];
  const log = recordingLog();
  const opened: Workers = await openWorkers(
    {
      spec: {
        language: 'foreign',
        handlerPath: '/handler',
        handlerName: 'handle',
        command: {file: process.execPath, args: [file], readiness: 'report', concurrency: 1},
      },
      environment: {},
      hop: 'auto',
      protocol: event,
      refusesExposed: false,
      host: '127.0.0.1',
      port: 0,
      workers,
      concurrency: undefined,
      queueLength: 10,
      timeoutMs: 300_000,
      queueWaitMs: 10_000,
      restarts,
      startTimeoutMs: 20_000,
      maxReplyBytes: 1000,
      user: undefined,
      memoryBytes: undefined,
    },
    {clock, log, meter: recordingMeter(), facts: some => void facts.push(...some), line() {}, started() {}},
  );
  t.teardown(() => opened[Symbol.asyncDispose]());
  return {opened, facts, log, file, write: (newer: string) => writeFile(file, newer)};
}

test('a function that exits again and again is given up: callers that wait and callers that come are refused', async t => {
  const {opened, facts, log} = await open(t, exits);
  await t.throwsAsync(opened.runtimes.lease(soon()), {code: 'POOL_GAVE_UP'});
  await t.throwsAsync(opened.runtimes.lease(soon()), {code: 'POOL_GAVE_UP'});
  t.like(opened.states()[0], {phase: 'gave-up', error: 'The sub-runtime exited with code 1'});
  t.deepEqual(facts.at(-1), {type: 'runtime.gave-up', data: {exits: 11, withinMs: 120_000}});
  t.is(facts.filter(({type}) => type === 'runtime.spawned').length, 11);
  t.true(log.lines.some(({message}) => /from now on a start is tried every 30 to 60 s/.test(message)));
  t.is(opened.ready(), 0);
});

test('no place is given up while the function serves in another, nor before the period is over since it did', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'places-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const [first, end] = [join(folder, 'first'), join(folder, 'end')];
  // The first process serves; every other one ends, as soon as it may.
  const program = `const fs = require('fs');
    try { fs.writeFileSync(${JSON.stringify(first)}, '', {flag: 'wx'}); ${loads} }
    catch { setInterval(() => fs.existsSync(${JSON.stringify(end)}) && process.exit(1), 5) }`;
  const clock = new ManualClock();
  const {opened, facts} = await open(t, program, 2, {clock, restarts: 0});
  const count = (type: Fact['type']) => facts.filter(fact => fact.type === type).length;
  while (count('runtime.ready') === 0) await systemClock.sleep(5);
  await clock.advance(500); // it has served well
  await writeFile(end, '');
  for (let ends = 1; ends <= 5; ends++) {
    while (count('runtime.exited') < ends) await systemClock.sleep(5);
    t.is(count('runtime.gave-up'), 0);
    await clock.advance(15_000); // the longest pause
  }
  t.is(opened.ready(), 1);

  const pid = facts.flatMap(({type, data}) => (type === 'runtime.ready' ? (data.pid ?? []) : []))[0];
  signalTo(pid, 'SIGKILL');
  while (opened.ready() > 0) await systemClock.sleep(5);
  const since = clock.monotonic();
  while (count('runtime.gave-up') === 0) {
    await systemClock.sleep(5);
    await clock.advance(1000);
  }
  t.true(clock.monotonic() - since >= 120_000);
  while (opened.states().some(({phase}) => phase !== 'gave-up')) {
    await systemClock.sleep(5);
    await clock.advance(1000);
  }
  await t.throwsAsync(opened.runtimes.lease({monotonicMs: clock.monotonic() + 1, timeoutMs: 1}), {code: 'POOL_GAVE_UP'});
});

test('a function that was given up serves again after a reload with code that does not exit', async t => {
  const {opened, write} = await open(t, exits);
  await t.throwsAsync(opened.runtimes.lease(soon()), {code: 'POOL_GAVE_UP'});
  t.is(await opened.reload(), 'the new sub-runtime ended before it was ready');
  await t.throwsAsync(opened.runtimes.lease(soon()), {code: 'POOL_GAVE_UP'});
  await write(loads);
  t.is(await opened.reload(), undefined);
  t.is((await opened.runtimes.lease(soon())).waitedMs, 0);
  t.like(opened.states()[0], {phase: 'ready'});
});

test('a reload that only some sub-runtimes survive says so', async t => {
  const {opened, write, file} = await open(t, loads, 2);
  await Promise.all([opened.runtimes.lease(soon()), opened.runtimes.lease(soon())]);
  const mark = JSON.stringify(`${file}.mark`);
  await write(`const fs = require('fs'); if (fs.existsSync(${mark})) process.exit(1); fs.writeFileSync(${mark}, ''); ${loads}`);
  t.is(await opened.reload(), 'the new sub-runtime ended before it was ready; 1 of 2 sub-runtimes have the newer code');
  t.is(opened.ready(), 2);
});

test('two sub-runtimes are two processes, each with a port of its own', async t => {
  const {opened} = await open(t, loads, 2);
  const leases = await Promise.all([opened.runtimes.lease(soon()), opened.runtimes.lease(soon())]);
  t.is(new Set(leases.map(({address}) => address.port)).size, 2);
  t.is(opened.ready(), 2);
  t.false(opened.isOverloaded());
  t.true(opened.residentBytes() > 2 ** 20);
});

test('past the grace time callers that wait are refused, and every process ends at once', async t => {
  const {opened} = await open(t, `process.on('SIGTERM', () => {}); ${loads}`);
  await opened.runtimes.lease(soon());
  const waiting = opened.runtimes.lease(soon());
  const refused = t.throwsAsync(waiting, {code: 'DRAINING'});
  t.is(opened.cutOff(), 1);
  await refused;
  await opened[Symbol.asyncDispose]();
  t.is(opened.ready(), 0);
});

test('what is shown of a place: its process, and those that ended with their last words, no more than twenty', async t => {
  const program = `require('fs').writeSync(2, 'no database'); process.exit(3)`;
  const {opened, write, facts} = await open(t, program, 1, {restarts: 30});
  await t.throwsAsync(opened.runtimes.lease(soon()), {code: 'POOL_GAVE_UP'});
  while (opened.places()[0]?.ends.length !== 20) await systemClock.sleep(5);
  const [place] = opened.places();
  t.like(place, {phase: 'gave-up', error: 'The sub-runtime exited with code 3', processes: []});
  t.like(place?.ends[0], {
    reason: 'exit-nonzero',
    code: 3,
    signal: null,
    lastWords: 'no database',
    sentence: 'The sub-runtime exited with code 3',
  });
  t.true((place?.ends[0]?.at ?? 0) >= (place?.ends[19]?.at ?? 0));
  await write(loads);
  t.is(await opened.reload(), undefined);
  // A start may have been tried at the same moment: its process ends now.
  while (opened.places()[0]?.processes.length !== 1) await systemClock.sleep(5);
  const [now] = opened.places();
  const pid = facts.flatMap(({type, data}) => (type === 'runtime.ready' ? (data.pid ?? []) : [])).at(-1);
  t.like(now?.processes[0], {pid, role: 'serving', calls: 0});
  t.true((now?.processes[0]?.readyAt ?? 0) >= (now?.processes[0]?.spawnedAt ?? Number.POSITIVE_INFINITY));
  t.true((now?.processes[0]?.residentBytes ?? 0) > 2 ** 20);
});
