import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {outgrows, residentBytes} from '../../src/workers/memory/resident.ts';
import {signalTo} from '../helpers/process.ts';

const mebibytes = 2 ** 20;

/** A program that leads a process group, once it has written a line. Its group is gone when the test ends. */
async function lead(t: ExecutionContext, file: string, program: string): Promise<ChildProcess & {pid: number}> {
  const child = spawn(file, [file === 'python3' ? '-c' : '-e', program], {stdio: ['ignore', 'pipe', 'inherit'], detached: true});
  t.teardown(() => signalTo(-(child.pid ?? 0), 'SIGKILL'));
  await once(child.stdout, 'data');
  return child as ChildProcess & {pid: number}; // node and python3 are there
}

const grandchild = `const {spawn} = require('child_process');
  spawn(process.execPath, ['-e', 'globalThis.kept = Buffer.alloc(300 * 2 ** 20, 1); console.log("filled"); setInterval(() => {}, 1000)'], {stdio: 'inherit'});
  setInterval(() => {}, 1000);`;

test('what a process starts counts as its memory', async t => {
  const {pid} = await lead(t, process.execPath, grandchild);
  t.true(residentBytes(pid) > 300 * mebibytes);
  t.true(await outgrows(pid, 300 * mebibytes, systemClock, new AbortController().signal));
});

test('memory that forked processes share counts once', async t => {
  const {pid} = await lead(
    t,
    'python3',
    'import os, time\nkept = bytearray(b"x" * (200 << 20))\nos.fork()\nos.fork()\nprint("forked", flush=True)\ntime.sleep(600)',
  );
  while (residentBytes(pid) < 600 * mebibytes) await systemClock.sleep(10); // four processes
  const over = new AbortController();
  setTimeout(() => over.abort(), 1000); // several looks
  t.false(await outgrows(pid, 400 * mebibytes, systemClock, over.signal));
});

test('a group that is gone holds nothing', t => {
  t.is(residentBytes(2 ** 30), 0);
});
