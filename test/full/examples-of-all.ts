import {execFile, execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {promisify} from 'node:util';
import test from 'ava';
import {EventSource} from 'undici';
import {projectFile, startCore} from '../helpers/core.ts';
import {startSeveral} from '../helpers/dev.ts';
import {ask} from '../helpers/request.ts';

/** How each example is served; a new example has to be named here. */
const served: Readonly<Record<string, () => Record<string, string>>> = {
  '01-hello-node': () => ({SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler')}),
  '02-hello-python': () => ({SCW_HANDLER_PATH: projectFile('examples/02-hello-python/handler')}),
  '03-hello-go': () => ({SCW_HANDLER_PATH: buildGo('03-hello-go'), SCW_HANDLER_IS_BINARY: 'true'}),
  '04-hello-php': () => ({SCW_HANDLER_PATH: projectFile('examples/04-hello-php/handler')}),
  '11-fetch': () => ({SCW_HANDLER_PATH: projectFile('examples/11-fetch/handler.mjs')}),
};
const needs: Readonly<Record<string, string>> = {
  '02-hello-python': 'python3',
  '03-hello-go': 'go',
  '04-hello-php': 'php',
};

const folder = mkdtempSync(join(tmpdir(), 'examples-'));
test.after.always(() => rmSync(folder, {recursive: true}));

function buildGo(example: string): string {
  const binary = join(folder, example);
  execFileSync('go', ['build', '-o', binary, '.'], {cwd: projectFile(`examples/${example}`)});
  return binary;
}

function isInstalled(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

/** It is called by the clock. */
const bySchedule = ['06-cron'];
/** It is a script that serves it itself. */
const byItself = ['07-replay'];
/** It is called by files. */
const byFiles = ['08-own-trigger'];
/** Its functions are served side by side. */
const several = ['09-several-functions'];
/** Its clients listen to a stream of events. */
const byEvents = ['10-sse-chat'];
/** They are servers of their own. */
const servers = ['15-any-server'];
/** They take long to build, or are made of packages. */
const inTheLongSuite = ['05-hello-rust', '12-hono', '13-messages', '14-lambda', '16-fastapi', '17-spring-boot'];

test('every example is served here or in the long suite', t => {
  t.deepEqual(
    readdirSync(projectFile('examples')).sort(),
    [...Object.keys(served), ...bySchedule, ...byItself, ...byFiles, ...several, ...byEvents, ...servers, ...inTheLongSuite].sort(),
  );
});

for (const [example, env] of Object.entries(served)) {
  const needed = needs[example];
  const isMissing = needed !== undefined && !isInstalled(needed);
  if (isMissing) console.log(`skipped: ${example} needs ${needed} on the PATH`);
  (isMissing ? test.skip : test)(`${example} greets whoever the query names`, async t => {
    t.timeout(300_000, 'a first build compiles a standard library, or fetches crates');
    const core = await startCore({SCW_PUBLIC: 'true', ...env()}, t);
    const answer = await ask(`${core.url}/?name=Ada`);
    t.is(answer.status, 200);
    t.regex(answer.text(), /Hello, Ada!/);
    t.is(await core.stop(), 0);
  });
}

test('06-cron runs by the clock, and by hand for an occurrence of the past', async t => {
  const folder = projectFile('examples/06-cron');
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: `${folder}/handler`, CORE_SCHEDULES: `${folder}/schedules.json`}, t);
  await core.logged(({msg}) => /^heartbeat: beat for \d{4}-.*[02468]Z$/.test(msg));
  const fired = await ask(`${core.adminUrl}/api/schedules/report/fire?at=2026-01-05T01:30:00Z`, {method: 'POST'});
  t.is(fired.status, 200);
  await core.logged(({msg}) => msg === 'report: count what was sold for 2026-01-05T01:30:00Z');
  t.regex((await ask(core.url)).text(), /runs by the clock/);
  t.is(await core.stop(), 0);
});

test('07-replay catches what went wrong in the changed handler, and nothing else', async t => {
  const run = promisify(execFile)(process.execPath, [projectFile('examples/07-replay/catch.mjs')]);
  const ended = await t.throwsAsync<Error & {code: number; stdout: string; stderr: string}>(run);
  const {code, stdout = '', stderr} = ended ?? {};
  t.is(code, 1, stderr);
  t.regex(stdout, /same 0 {3}noise 3 {3}status 1 {3}headers 0 {3}body 1 {3}error 0/);
  t.regex(stdout, /- {3}"total": "359\.10"\n {2}\+ {3}"total": "399\.00"/);
  t.regex(stdout, /- status 404\n {2}\+ status 200/);
  t.notRegex(stdout, /[-+] {3}"(at|quote)": «noise»/);
});

test('08-own-trigger calls the function with each file, and keeps what failed', async t => {
  const inbox = mkdtempSync(join(folder, 'inbox-'));
  const example = projectFile('examples/08-own-trigger');
  // Found by its package's name from the folder in which the core is started.
  const entry = {type: 'inbox-trigger', name: 'inbox', folder: inbox, everyMs: 20};
  const env = {SCW_HANDLER_PATH: `${example}/handler`, CORE_TRIGGERS: JSON.stringify([entry])};
  const core = await startCore({SCW_PUBLIC: 'true', ...env}, t, {cwd: example});
  writeFileSync(join(inbox, 'note.txt'), 'hello\n');
  await core.logged(({msg}) => msg === 'note.txt: hello');
  writeFileSync(join(inbox, 'bad.txt'), 'fail');
  await until(() => readdirSync(inbox).join() === 'bad.txt.failed');
  const {invocations} = (await ask(`${core.adminUrl}/api/invocations`)).json() as {invocations: {source: string; status: string}[]};
  t.deepEqual(invocations.map(({source, status}) => `${source} ${status}`).sort(), ['inbox failed', 'inbox responded']);
  rmSync(inbox, {recursive: true});
  await until(async () => (await ask(`${core.adminUrl}/readyz`)).status === 503);
  const {phase, cause} = (await ask(`${core.adminUrl}/readyz`)).json();
  t.is(phase, 'broken');
  t.regex(cause, /^listed: inbox: the folder cannot be read/);
  t.is(await core.stop(), 0);
});

(isInstalled('python3') ? test : test.skip)('09-several-functions serves both, each with its variables', async t => {
  const dev = await startSeveral([], projectFile('examples/09-several-functions'), t, {REPORT_KEY: 'x'});
  t.deepEqual((await ask(`${dev.url}/hello/?name=Ada`)).json(), {message: 'Hello, Ada!', path: '/'});
  const report = await ask(dev.url, {method: 'POST', headers: {Host: 'report.localhost'}, body: '{"task": "count"}'});
  t.deepEqual(report.json(), {task: 'count', greeting: 'Hello'});
  await dev.printed(/report: count, with a key/);
});

test('10-sse-chat gives each message to every EventSource that listens, until it leaves', async t => {
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('examples/10-sse-chat/handler.mjs')}, t);
  t.regex((await ask(core.url)).text(), /new EventSource\('messages'\)/);
  const say = async (body: string) => (await ask(`${core.url}/messages`, {method: 'POST', body})).json().listeners;
  const heard: string[] = [];
  const sources = [1, 2].map(() => new EventSource(`${core.url}/messages`));
  t.teardown(() => sources.forEach(source => void source.close()));
  for (const source of sources) source.addEventListener('message', ({data}) => void heard.push(JSON.parse(data)));
  await Promise.all(sources.map(source => new Promise(resolve => source.addEventListener('open', resolve, {once: true}))));
  await until(async () => (await say('hello')) === 2);
  await until(() => heard.length >= 2);
  t.is(new Set(heard).size, 1);
  sources[0]?.close();
  await until(async () => (await say('still here?')) === 1);
  sources[1]?.close();
  t.is(await core.stop(), 0);
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(20);
}

test('15-any-server is a server that needs nothing of ours', async t => {
  const command = JSON.stringify([process.execPath, projectFile('examples/15-any-server/server.mjs')]);
  const core = await startCore({SCW_PUBLIC: 'true', CORE_PROTOCOL: 'http', CORE_COMMAND: command}, t);
  t.is((await ask(`${core.url}/hello?name=Ada`)).text(), 'Hello, Ada!\n');
  t.is((await ask(`${core.url}/count`, {method: 'POST', body: Buffer.alloc(100_000)})).text(), '100000 bytes\n');
  t.is((await ask(`${core.url}/nowhere`)).status, 404);
  const events = new EventSource(`${core.url}/clock`);
  t.is(await new Promise(resolve => events.addEventListener('message', ({data}) => resolve(data))), 'now');
  events.close();
  t.is(await core.stop(), 0);
});
