import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {type MemoryGroup, openMemoryGroup} from '../../src/workers/memory/group.ts';
import {gone} from '../helpers/process.ts';

/** A program in a group of its own, or undefined where this machine lets nobody make one. */
function limited(
  t: ExecutionContext,
  limitBytes: number,
  file: string,
  args: string[],
): {child: ChildProcess; group: MemoryGroup} | undefined {
  const child = spawn(file, args, {stdio: ['pipe', 'pipe', 'inherit']});
  t.teardown(() => child.kill('SIGKILL'));
  const group = openMemoryGroup(child.pid ?? 0, limitBytes, systemClock);
  if (group) return {child, group};
  t.log('Not tested: this machine lets nobody make a memory control group');
  t.pass();
  return undefined;
}

test('a process that does not exist gets no group', t => {
  t.is(openMemoryGroup(2 ** 30, 2 ** 28, systemClock), undefined);
});

test('the kernel ends a process that outgrows its limit, and the group reports it', async t => {
  const fill = 'process.stdin.once("data", () => { const kept = []; setInterval(() => kept.push(Buffer.alloc(2 ** 24, 1)), 1); })';
  const house = limited(t, 200 * 2 ** 20, process.execPath, ['-e', fill]);
  if (!house) return;
  t.is(house.group.kills(), 0);
  house.child.stdin?.write('fill\n');
  const [code, signal] = await once(house.child, 'exit');
  t.deepEqual([code, signal], [null, 'SIGKILL']);
  t.is(house.group.kills(), 1);
  house.group.close();
  t.is(house.group.kills(), 0, 'the group is gone');
});

test('a process that made a session of its own ends with the group', async t => {
  const house = limited(t, 200 * 2 ** 20, '/bin/sh', ['-c', 'read go; setsid sleep 1000 & echo $!; wait']);
  if (!house) return;
  house.child.stdin?.write('go\n');
  const [line] = await once(house.child.stdout as NodeJS.ReadableStream, 'data'); // piped
  house.child.kill('SIGKILL');
  await once(house.child, 'exit');
  house.group.close();
  await gone(Number(String(line)));
  t.pass();
});
