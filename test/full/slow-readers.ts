import {readFileSync} from 'node:fs';
import net from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

const MiB = 2 ** 20;
const large = `/?bytes=${6 * MiB}`;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

function startCounting(t: ExecutionContext): Promise<RunningCore> {
  // A slow machine is to make others wait, not to refuse them.
  return startCore(
    {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting'), CORE_QUEUE_WAIT: '300s'},
    t,
  );
}

/** The most that a process ever had in memory. */
function peakBytes(pid: number): number {
  const [, kB = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kB) * 1024;
}

/** A client that sends, and reads nothing of what comes. */
function silent(t: ExecutionContext, core: RunningCore, sent: string): net.Socket {
  const socket = net.connect(Number(new URL(core.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write(sent);
  t.teardown(() => socket.destroy());
  return socket;
}

/** Others get their answers meanwhile; one for whom there is no room is told to come again. */
async function othersAreServed(t: ExecutionContext, core: RunningCore): Promise<void> {
  for (let calls = 0; calls < 20; calls++) {
    const answer = await ask(core.url, {method: 'POST', body: 'x'.repeat(1000)});
    t.is(answer.status, 200, answer.text());
  }
}

const held = (core: RunningCore) => metric(core, 'core_inflight_bytes{kind="reply"}');

test('one connection that asks 120 times for 6 MiB and reads nothing stays within its bounds', async t => {
  const core = await startCounting(t);
  const socket = silent(t, core, get(large).repeat(120));
  while ((await held(core)) === 0);
  await othersAreServed(t, core);
  while ((await metric(core, 'faas_errors_total{code="REPLY_NO_ROOM"}')) === 0); // none was given to the rest
  t.true((await held(core)) <= 128 * MiB);
  await othersAreServed(t, core);
  socket.resetAndDestroy();
  await metricIs(core, 'core_inflight_bytes{kind="reply"}', 0);
  t.true(peakBytes(core.pid) < 256 * MiB, `${peakBytes(core.pid) / MiB} MiB`);
});

test('200 clients that read nothing of 6 MiB each are cut off, memory stays bounded, and others are served', async t => {
  const core = await startCounting(t);
  const sockets = Array.from({length: 200}, () => silent(t, core, get(large)));
  await othersAreServed(t, core);
  while ((await metric(core, 'core_connections_cut_total{reason="slow-reader"}')) === 0);
  t.true((await held(core)) <= 128 * MiB);
  await othersAreServed(t, core);
  for (const socket of sockets) socket.resetAndDestroy();
  await metricIs(core, 'core_inflight_bytes{kind="reply"}', 0);
  t.true(peakBytes(core.pid) < 512 * MiB, `${peakBytes(core.pid) / MiB} MiB`);
  t.is((await ask(`${core.url}${large}`)).body.length, 6 * MiB);
});

test('50 connections with 2,300 requests each in one packet wait for their turns', async t => {
  const core = await startCounting(t);
  for (let clients = 0; clients < 50; clients++) silent(t, core, get('/').repeat(2300)).resume();
  while ((await metric(core, 'http_requests_in_flight')) === 0);
  await othersAreServed(t, core);
  t.true((await metric(core, 'http_requests_in_flight')) <= 50 * 16 + 1);
  t.true(peakBytes(core.pid) < 384 * MiB, `${peakBytes(core.pid) / MiB} MiB`);
});
