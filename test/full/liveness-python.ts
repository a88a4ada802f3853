import test from 'ava';
import {callUntilAnswered} from '../helpers/blocking.ts';
import {functionFile} from '../helpers/bridge.ts';
import {startCore, type Teardown} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs} from '../helpers/supervision.ts';

const spares = (outcome: string) => `core_runtime_spares_total{outcome="${outcome}"}`;

/** A core with a function that computes for `ms`, and answers with its process. */
async function open(t: Parameters<typeof functionFile>[0] & Teardown, definition: string) {
  const path = await functionFile(
    t,
    'handler.py',
    `import os, time
${definition} handle(event, context):
    until = time.monotonic() + int(event['queryStringParameters'].get('ms', '0')) / 1000
    if until > time.monotonic() + 0.1:
        print('computes')
    while time.monotonic() < until:
        pass
    return str(os.getpid())
`,
  );
  const core = await startCore({SCW_HANDLER_PATH: path, SCW_PUBLIC: 'true', CORE_QUEUE_WAIT: '60s'}, t);
  await metricIs(core, 'core_runtime_up', 1);
  const send = async (query: string) => {
    const answer = await ask(`${core.url}/?${query}`);
    t.is(answer.status, 200);
    return answer.text();
  };
  return {core, send, said: (text: RegExp) => core.logs.filter(({msg}) => text.test(msg))};
}

test('a plain Python handler that computes for 5 s is not disturbed: callers wait their turn, and no spare is started', async t => {
  const {core, send, said} = await open(t, 'def');
  const computing = send('ms=5000');
  const queue = Array.from({length: 20}, () => send(''));
  const pids = new Set(await Promise.all([computing, ...queue]));
  t.is(pids.size, 1);
  t.deepEqual(said(/spare|not answer/), []);
  t.is(await metric(core, 'core_queue_wait_seconds_count'), 20);
});

test('an async Python handler that computes blocks its process: callers are served by a spare', async t => {
  const {core, send, said} = await open(t, 'async def');
  let isBlocked = true;
  const computing = send('ms=6000').finally(() => {
    isBlocked = false;
  });
  await core.logged(({msg}) => msg === 'computes');
  const early = await callUntilAnswered(() => send(''));
  t.true(isBlocked);
  const later = await send('');
  t.not(later, await computing);
  await Promise.all(early);
  t.is(said(/: a spare is started/).length, 1);
  t.is(await metric(core, spares('took-over')), 1);
});
