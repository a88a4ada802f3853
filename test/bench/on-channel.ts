import test from 'ava';
import {measureCalls, startOnChannel} from '../../bench/on-channel.ts';
import {sampleRuntimeCall} from '../../bench/requests.ts';
import {bridgeFile} from '../../bench/servers.ts';
import {projectFile} from '../helpers/core.ts';

test('a handler that cannot be loaded is not measured', async t => {
  await using stack = new AsyncDisposableStack();
  const env = {SCW_HANDLER_PATH: '/nowhere.cjs'};
  await t.throwsAsync(startOnChannel({command: [process.execPath, bridgeFile], env, concurrency: 4}, stack), {message: /was loaded/});
});

test('a program that is not on the channel is not measured on it', async t => {
  await using stack = new AsyncDisposableStack();
  const program = `require('fs').writeSync(3, '{"loaded": true}\\n'); setInterval(() => {}, 1000)`;
  t.is(await startOnChannel({command: [process.execPath, '-e', program], concurrency: 4}, stack), undefined);
});

test('calls of a bridge on the channel are counted, with the time that they take on both sides', async t => {
  await using stack = new AsyncDisposableStack();
  const env = {SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs')};
  const started = await startOnChannel({command: [process.execPath, bridgeFile], env, concurrency: 4}, stack);
  if (!started) return t.fail();
  const {hop, pid} = started;
  const {requestsPerSecond, errors, ownCpuUs, p50Us} = await measureCalls(hop, sampleRuntimeCall(0), {
    atOnce: 4,
    seconds: 0.05,
    pids: [pid],
  });
  t.is(errors, 0);
  t.true(requestsPerSecond > 0);
  t.true(ownCpuUs > 0);
  t.true(p50Us > 0);
});
