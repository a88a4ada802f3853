import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openMemoryGroup} from '../../src/workers/memory/group.ts';
import {functionPids, openBlocking, said, spares, type Told} from '../helpers/blocking.ts';
import type {RunningCore, Teardown} from '../helpers/core.ts';
import {gone} from '../helpers/process.ts';
import {metric, metricIs, restarts} from '../helpers/supervision.ts';

const refused = /The memory has no room for a spare: callers wait/;

/** From now on the core, and what it starts, have so little memory. It brings nothing along. False where no group can be made. */
function limit(t: Teardown & {log(text: string): void}, core: RunningCore, bytes: number): boolean {
  const group = openMemoryGroup(core.pid, bytes, systemClock);
  if (!group) t.log('Not tested: this machine lets nobody make a memory control group');
  t.teardown(async () => {
    await core.stop();
    group?.close();
  });
  return group !== undefined;
}

test('a spare for which the container has no memory is not started: callers wait until the process answers', async t => {
  const {core, send, running} = await openBlocking(t);
  const [before] = functionPids(core);
  const limitBytes = 28 * 2 ** 20; // the core brings nothing along, and a spare needs more
  if (!limit(t, core, limitBytes)) return t.pass();
  const blocking = send('do=block&ms=3000');
  await running(1);
  const callers: Promise<Told>[] = [];
  while (said(core, refused).length === 0) {
    callers.push(send(''));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  t.like(said(core, refused)[0], {pid: before});
  t.true(Number(said(core, refused)[0]?.freeBytes) < limitBytes);
  for (const {pid} of [await blocking, ...(await Promise.all(callers))]) t.is(pid, before);
  t.is(await metric(core, spares('no-memory')), 1);
  t.deepEqual(said(core, /a spare is started/), []);
});

test('where no spare fits, a process that is blocked for ever is ended as soon as nobody waits for its calls', async t => {
  const {core, send, running} = await openBlocking(t, {CORE_TIMEOUT: '4s'});
  const [before] = functionPids(core);
  if (!limit(t, core, 110 * 2 ** 20)) return t.pass(); // room for one process, and not for what calls need
  const blocking = send('do=block');
  await running(1);
  let served: number | undefined;
  while (served === undefined) served = (await send('')).pid;
  t.is((await blocking).answer.status, 504);
  t.not(served, before);
  await gone(Number(before));
  t.is(said(core, /it is ended, as nobody waits for a call in it/).length, 1);
  await metricIs(core, restarts('stuck'), 1);
  t.is(await metric(core, spares('took-over')), 0);
  t.deepEqual(functionPids(core), [served]);
});
