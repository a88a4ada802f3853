import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {projectFile, type RunningCore, startCore, type Teardown} from '../helpers/core.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {askAndLeave, metric, metricIs, restarts, serve} from '../helpers/supervision.ts';

const open = async (t: Teardown, env: Record<string, string> = {}): Promise<RunningCore> => {
  const core = await serve(t, 'mirror.cjs', {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/hostile-bridge.cjs'), ...env});
  await metricIs(core, 'core_runtime_up', 1);
  return core;
};
const pidOf = async (core: RunningCore) => Number((await ask(core.url)).text());

/** Until so many calls of the kind have come to the bridge. */
async function got(core: RunningCore, what: string, times = 1): Promise<void> {
  while (core.logs.filter(({msg}) => msg === `got ${what}`).length < times) await new Promise(resolve => setTimeout(resolve, 5));
}

const breaks: [does: string, code: string, text: RegExp][] = [
  ['garbage', 'UPSTREAM_PROTOCOL', /it sent a frame of 2779096485 bytes, longest = 1048576/],
  ['pongs', 'UPSTREAM_PROTOCOL', /it sent more than 1 MiB a second that belongs to no reply/],
  ['unknown', 'UPSTREAM_PROTOCOL', /it sent more than 1 MiB a second that belongs to no reply/],
  ['huge', 'UPSTREAM_PROTOCOL', /it sent a RESULT of 8589934588 bytes/],
  ['closes', 'UPSTREAM_LOST', /broke the protocol and was killed during the call/],
];

for (const [does, code, text] of breaks) {
  test(`a bridge that does this is replaced at once, and only its calls are lost: ${does}`, async t => {
    const core = await open(t);
    const before = await pidOf(core);
    const open20 = Array.from({length: 20}, () => ask(`${core.url}/?do=keeps`));
    await got(core, 'keeps', 20);
    const broken = await ask(`${core.url}/?do=${does}`);
    t.is(broken.status, 502);
    t.is(broken.field('core-error'), code);
    t.regex(broken.text(), text);
    for (const other of await Promise.all(open20)) t.is(other.text(), broken.text());
    t.not(await pidOf(core), before);
    await gone(before);
    t.is(await metric(core, restarts('protocol')), 1);
    t.true(core.logs.some(({level, msg, pid}) => level === 'error' && pid === before && /: it is ended$/.test(msg)));
    t.is(await core.stop(), 0);
  });
}

test('an answer that comes twice costs the process, not the caller', async t => {
  const core = await open(t);
  const before = await pidOf(core);
  t.is((await ask(`${core.url}/?do=twice`)).text(), String(before));
  t.not(await pidOf(core), before);
  await metricIs(core, restarts('protocol'), 1);
});

test('a bridge that ends with frames half sent: its calls are told how it ended', async t => {
  const core = await open(t);
  const before = await pidOf(core);
  const half = await ask(`${core.url}/?do=half`);
  t.is(half.status, 502);
  t.is(half.text(), 'The sub-runtime exited with code 3 during the call\n');
  t.not(await pidOf(core), before);
  t.is(await metric(core, restarts('protocol')), 0);
});

test('a bridge that reads nothing is left alone, and a spare serves', async t => {
  const core = await open(t, {CORE_TIMEOUT: '5s'});
  const before = await pidOf(core);
  const muted = ask(`${core.url}/?do=mute`);
  await got(core, 'mute');
  const stuck = Array.from({length: 50}, () => ask(core.url, {method: 'POST', body: 'x'.repeat(100_000)}));
  const answers = await Promise.all([muted, ...stuck]);
  t.is(answers[0]?.status, 504);
  for (const answer of answers) t.true(answer.status === 504 || (answer.status === 200 && answer.text() !== String(before)));
  t.not(await pidOf(core), before);
  await gone(before);
  await metricIs(core, 'core_inflight_bytes{kind="event"}', 0);
});

test('a reply without an end is broken off at its longest time, and the process is replaced when it does not end the call', async t => {
  const core = await open(t, {CORE_TIMEOUT: '5s'});
  const before = await pidOf(core);
  await t.throwsAsync(ask(`${core.url}/?do=endless`), {code: 'ECONNRESET'});
  await metricIs(core, restarts('stuck'), 1);
  await gone(before);
  t.not(await pidOf(core), before);
});

test('a place whose END is held back after CANCEL stays taken until its longest time is over; then the process is replaced', async t => {
  const core = await open(t, {CORE_TIMEOUT: '4s', CORE_CANCEL: 'abort', CORE_CONCURRENCY: '2'});
  const before = await pidOf(core);
  const caller = askAndLeave(`${core.url}/?do=keeps`, {});
  await got(core, 'keeps');
  caller.leave();
  await metricIs(core, 'faas_errors_total{code="CALLER_LEFT"}', 1);
  t.is(await pidOf(core), before, 'its other place serves on');
  await metricIs(core, restarts('stuck'), 1);
  t.not(await pidOf(core), before);
});

test('6 MiB in frames of one byte come whole, and others are served meanwhile', async t => {
  const core = await open(t);
  const length = 6 * 2 ** 20;
  const before = await pidOf(core);
  const dripped = ask(`${core.url}/?do=bytes&length=${length}`);
  t.is(await pidOf(core), before);
  const {status, body} = await dripped;
  t.is(status, 200);
  t.true(body.equals(Buffer.alloc(length, 'x')));
  t.true(isAlive(before));
});

test('a bridge that breaks the protocol again and again is started again with longer and longer pauses', async t => {
  const core = await open(t);
  for (let times = 1; times <= 4; times++) {
    const broken = await ask(`${core.url}/?do=garbage`);
    t.is(broken.status, 502);
    await metricIs(core, restarts('protocol'), times);
  }
  t.true((await pidOf(core)) > 0);
  t.is(await core.stop(), 0);
});

test('a handler that writes to descriptors that are not its own, or closes them, costs its process and no other', async t => {
  const handler = await functionFile(
    t,
    'handler.cjs',
    `const fs = require('node:fs');
exports.handle = event => {
  const {does} = event.queryStringParameters;
  for (let fd = 3; does && fd < 30; fd++) try { does === 'write' ? fs.writeSync(fd, 'x'.repeat(100)) : fs.closeSync(fd); } catch {}
  return String(process.pid);
};`,
  );
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler}, t);
  for (const does of ['write', 'close', 'write']) {
    const before = await pidOf(core);
    const {status} = await ask(`${core.url}/?does=${does}`);
    t.true(status === 200 || status === 502, `${does}: ${status}`);
    t.true((await pidOf(core)) > 0);
    if (status === 502) await gone(before);
  }
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  t.is(await core.stop(), 0);
});
