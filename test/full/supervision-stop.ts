import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {gone, isAlive} from '../helpers/process.ts';
import {mainProgram} from '../helpers/programs.ts';
import {type Answer, ask} from '../helpers/request.ts';
import {editableHandler, loadOn, metric, metricIs, openGate, pidOf, readiness, serve} from '../helpers/supervision.ts';

const says = (text: string) => `exports.handle = () => '${text}';`;
const reload = (url: string, headers: Record<string, string> = {}) => ask(`${url}/api/reload`, {method: 'POST', headers});

test('after POST /api/reload the new code serves', async t => {
  const handler = await editableHandler(t, says('one'));
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env, CORE_WORKERS: '2'}, t);
  t.is((await ask(core.url)).text(), 'one');
  await handler.write(says('two'));
  t.is((await ask(core.url)).text(), 'one');
  const answer = await reload(core.adminUrl);
  t.is(answer.status, 200);
  t.deepEqual(answer.json(), {reloaded: true});
  for (let calls = 0; calls < 10; calls++) t.is((await ask(core.url)).text(), 'two');
  await metricIs(core, 'core_runtime_restarts_total{reason="reloaded"}', 2);
  await core.stop();
});

test('SIGHUP does the same', async t => {
  const handler = await editableHandler(t, says('one'));
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env}, t);
  t.is((await ask(core.url)).text(), 'one');
  await handler.write(says('two'));
  core.kill('SIGHUP');
  await core.logged(({msg}) => msg.startsWith('Reloaded'));
  t.is((await ask(core.url)).text(), 'two');
  await core.stop();
});

test('SIGHUP during a reload asks for one more: the code may have changed since', async t => {
  const handler = await editableHandler(t, says('one'));
  const gate = await openGate(t);
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env, GATE: gate.headers['X-Gate']}, t);
  t.is((await ask(core.url)).text(), 'one');
  const waits = `const fs = require('node:fs'); fs.writeFileSync(process.env.GATE + '.running', ''); while (!fs.existsSync(process.env.GATE));`;
  await handler.write(`${waits} ${says('two')}`);
  core.kill('SIGHUP');
  await gate.running();
  await handler.write(says('three'));
  for (let signals = 0; signals < 3; signals++) core.kill('SIGHUP');
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200); // the signals have come
  await gate.open();
  while ((await ask(core.url)).text() !== 'three');
  t.false(core.logs.some(({msg}) => msg.startsWith('Not reloaded')));
  await core.stop();
});

test('SIGHUP during the start is a reload after it', async t => {
  const gate = await openGate(t);
  const handler = await editableHandler(
    t,
    `const fs = require('node:fs');
     if (!fs.existsSync(process.env.GATE)) { fs.writeFileSync(process.env.GATE, ''); process.kill(process.ppid, 'SIGHUP'); }
     ${says('one')}`,
  );
  const telemetry = {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9'}; // a start that takes its time
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env, ...telemetry, GATE: gate.headers['X-Gate']}, t);
  await core.logged(({msg}) => msg.startsWith('Reloaded'));
  t.is((await ask(core.url)).text(), 'one');
  t.is(await core.stop(), 0);
});

test('with newer code that cannot be loaded the old code goes on serving, and the answer says why', async t => {
  const handler = await editableHandler(t, says('one'));
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env}, t);
  t.is((await ask(core.url)).text(), 'one');
  await handler.write('exports.handle = () => {');
  const answer = await reload(core.adminUrl);
  t.is(answer.status, 409);
  t.false(answer.json().reloaded);
  t.regex(answer.json().cause, /SyntaxError/);
  const {stack} = await core.logged(({msg}) => msg.startsWith('core-bridge: cannot load the handler'));
  t.regex(String(stack), /:1\nexports\.handle = /, 'the log has the place in the source');
  t.is((await ask(core.url)).text(), 'one');
  t.is((await readiness(core)).phase, 'ready');
  await handler.write('process.exit(1)');
  t.is((await reload(core.adminUrl)).status, 409);
  t.is((await ask(core.url)).text(), 'one');
  t.is((await readiness(core)).phase, 'ready');
  await core.stop();
});

test('a function that was broken serves after a reload with code that is not', async t => {
  const handler = await editableHandler(t, 'exports.handle = () => {');
  const core = await startCore({SCW_PUBLIC: 'true', ...handler.env}, t);
  t.is((await ask(core.url)).status, 500);
  t.is(await metric(core, 'core_runtime_up'), 0, 'nothing takes a call');
  await handler.write(says('mended'));
  t.is((await reload(core.adminUrl)).status, 200);
  t.is((await ask(core.url)).text(), 'mended');
  t.is(await metric(core, 'core_runtime_up'), 1);
  t.is((await readiness(core)).phase, 'ready');
  await core.stop();
});

test('reloads under load fail no request, and what runs in the old one finishes', async t => {
  const core = await serve(t, 'holds.cjs');
  const before = await pidOf(core);
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const load = loadOn(core.url, 8);
  const own: Answer[] = [];
  const reloadAndCall = async () => {
    t.is((await reload(core.adminUrl)).status, 200);
    for (let calls = 0; calls < 15; calls++) own.push(await ask(core.url)); // however fast the reloads are
  };
  await reloadAndCall();
  await gate.open();
  t.is((await held).json().pid, before);
  await gone(before);
  for (let reloads = 0; reloads < 3; reloads++) await reloadAndCall();
  const answers = [...(await load.stop()), ...own];
  t.true(answers.length > 50);
  t.deepEqual(new Set(answers.map(answer => answer?.status)), new Set([200]));
  t.true(new Set(answers.map(answer => answer?.json().pid)).size >= 4);
  t.is(await core.stop(), 0);
});

test('two reloads at a time are one', async t => {
  const core = await serve(t, 'mirror.cjs');
  await ask(core.url);
  const statuses = (await Promise.all([reload(core.adminUrl), reload(core.adminUrl)])).map(({status}) => status);
  t.deepEqual(statuses.sort(), [200, 409]);
  await core.stop();
});

test('the private listener acts only for callers that may use it', async t => {
  const core = await serve(t, 'mirror.cjs', {CORE_ADMIN_TOKEN: 'secret'});
  const authorization = {Authorization: 'Bearer secret'};
  const refusals: Record<string, string>[] = [
    {},
    {Authorization: 'Bearer other'},
    {...authorization, Origin: 'https://evil.example'},
    {Host: 'evil.example', Authorization: 'Bearer other'},
  ];
  for (const headers of refusals) {
    const answer = await reload(core.adminUrl, headers);
    t.is(answer.status, 403, JSON.stringify(headers));
    t.is(typeof answer.json().refused, 'string');
  }
  t.is((await ask(`${core.adminUrl}/api/reload`, {headers: authorization})).status, 405);
  t.is((await ask(`${core.adminUrl}/api/other`, {method: 'POST', headers: authorization})).status, 404);
  t.is((await ask(`${core.adminUrl}/readyz`, {method: 'POST'})).status, 405);
  for (const path of ['/metrics', '/livez']) t.is((await ask(`${core.adminUrl}${path}`, {headers: {Host: 'evil.example'}})).status, 200);
  t.is((await reload(core.adminUrl, authorization)).status, 200);
  await core.stop();
});

test('a request by a foreign Host is refused where no token is set', async t => {
  const core = await serve(t, 'mirror.cjs');
  t.is((await reload(core.adminUrl, {Host: 'evil.example'})).status, 403);
  t.is((await reload(core.adminUrl)).status, 200);
  await core.stop();
});

test('the last log line accounts for every event of the stop, and so does the metric while it goes on', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_CONCURRENCY: '2', CORE_GRACE: '20s'});
  const gates = await Promise.all([openGate(t), openGate(t)]);
  const held = gates.map(gate => ask(`${core.url}/?do=hold`, {headers: gate.headers}));
  await Promise.all(gates.map(gate => gate.running()));
  const waiting = ask(core.url);
  await metricIs(core, 'core_queue_depth', 1);
  core.kill('SIGTERM');
  await core.logged(({msg}) => msg === 'Stopping');
  const draining = await ask(`${core.adminUrl}/readyz`);
  t.is(draining.status, 503);
  t.deepEqual(draining.json(), {ready: false, phase: 'draining'});
  t.is((await ask(`${core.adminUrl}/livez`)).status, 200);
  t.is(await metric(core, 'core_drain_events{outcome="accepted"}'), 3);
  t.is(await metric(core, 'core_drain_events{outcome="lost"}'), 3);
  t.is((await reload(core.adminUrl)).status, 409);
  await gates[0]?.open();
  await metricIs(core, 'core_drain_events{outcome="completed"}', 2);
  await gates[1]?.open();
  for (const answer of await Promise.all([...held, waiting])) t.is(answer.status, 200);
  t.is(await core.exited, 0);
  t.like(core.logs.at(-1), {msg: 'Stopped', invocations: 3, accepted: 3, completed: 3, handedBack: 0, lost: 0});
});

test('calls that still wait when the grace time is over are handed back with 503', async t => {
  const core = await serve(t, 'holds.cjs', {CORE_CONCURRENCY: '1', CORE_GRACE: '300ms'});
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  const waiting = [ask(core.url), ask(core.url)];
  await metricIs(core, 'core_queue_depth', 2);
  core.kill('SIGTERM');
  for (const answer of await Promise.all(waiting)) {
    t.is(answer.status, 503);
    t.is(answer.field('core-error'), 'DRAINING');
  }
  t.is((await held).status, 502);
  t.is(await core.exited, 0);
  t.like(core.logs.at(-1), {msg: 'Stopped', accepted: 3, completed: 0, handedBack: 2, lost: 1});
});

const buggy = {NODE_OPTIONS: `--import ${projectFile('test/fixtures/throws-on-signal.mjs')}`};

test('a bug in the core is logged, what is in flight finishes, and the core ends with 1', async t => {
  const core = await serve(t, 'holds.cjs', buggy);
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  core.kill('SIGUSR2');
  const line = await core.logged(({msg}) => msg === 'A bug in the core: draining, then exit');
  t.regex(String(line.stack), /a bug/);
  await gate.open();
  t.is((await held).status, 200);
  t.is(await core.exited, 1);
  t.like(core.logs.at(-1), {msg: 'Stopped', lost: 0});
});

test('after a bug during the stop, the stop is not clean', async t => {
  const core = await serve(t, 'holds.cjs', buggy);
  const gate = await openGate(t);
  const held = ask(`${core.url}/?do=hold`, {headers: gate.headers});
  await gate.running();
  core.kill('SIGTERM');
  await core.logged(({msg}) => msg === 'Stopping');
  core.kill('SIGUSR2');
  await core.logged(({msg}) => msg === 'A bug in the core: draining, then exit');
  await gate.open();
  t.is((await held).status, 200);
  t.is(await core.exited, 1);
});

test('a terminal that is closed ends the core that runs in it', async t => {
  const {PATH = ''} = process.env;
  const env = {PATH, PORT: '0', CORE_ADMIN_PORT: '0', SCW_UPSTREAM_PORT: '0', SCW_PUBLIC: 'true'};
  const SCW_HANDLER_PATH = projectFile('test/fixtures/functions/core/mirror.cjs');
  const command = `exec ${process.execPath} ${mainProgram}`;
  const terminal = spawn('script', ['-qfc', command, '/dev/null'], {env: {...env, SCW_HANDLER_PATH}, stdio: ['ignore', 'pipe', 'inherit']});
  terminal.on('error', () => {});
  let text = '';
  for await (const chunk of terminal.stdout) {
    text += chunk;
    if (/"Listening"/.test(text)) break;
  }
  if (text === '') return t.pass(); // this machine has no script(1)
  const [, url = ''] = /"url":"([^"]+)"/.exec(text) ?? [];
  const pid: number = (await ask(`${url}/?do=pid`)).json().pid;
  const core = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  t.teardown(async () => void (isAlive(core) && process.kill(core, 'SIGKILL')));
  terminal.kill('SIGKILL');
  await gone(core);
  await gone(pid);
  t.true(core > 1);
});
