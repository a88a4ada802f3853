import {readFileSync} from 'node:fs';
import {setTimeout} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from './helpers/core.ts';
import {ask} from './helpers/request.ts';

const architecture = readFileSync(projectFile('docs/architecture.md'), 'utf8');
const fixture = projectFile('test/fixtures/coverage.mjs');
const root = `file://${projectFile('.')}`;

/** A core that logs which files ran when it gets SIGUSR2. */
const start = (t: ExecutionContext, env: Record<string, string> = {}) =>
  startCore(
    {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler'),
      NODE_OPTIONS: `--import=${fixture}`,
      NODE_V8_COVERAGE: '', // it would count with ours
      ...env,
    },
    t,
    {isSource: true}, // files of a bundle have other names
  );

/** The files that a walk of the document names. */
function walkOf(name: string): string[] {
  const [, table = ''] = new RegExp(`<!-- walk: ${name} -->([\\s\\S]*?)<!-- /walk -->`).exec(architecture) ?? [];
  return [...table.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, file = '']) => file);
}

/** The files of ours that ran while something was done. */
async function ranDuring(core: RunningCore, work: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  const taken = async () => {
    const before = core.logs.length;
    core.kill('SIGUSR2');
    return core.logged(line => line.msg === 'Ran' && core.logs.indexOf(line) >= before);
  };
  await taken();
  await work();
  const {files} = (await taken()) as unknown as {files: string[]};
  const ours = files.filter(file => file.startsWith(root)).map(file => file.slice(root.length));
  return new Set(ours.filter(file => /^(src|middleware|triggers|protocols|runtimes)\//.test(file)));
}

test('a request runs every file of its walk, and no more than the page says', async t => {
  const core = await start(t);
  // Of several, the one with the least beside it: what is loaded late, or done once in a while, belongs to no request.
  let ran = await ranDuring(core, () => ask(core.url, {method: 'POST', body: 'hi'}));
  for (let times = 0; times < 3; times++) {
    const next = await ranDuring(core, () => ask(core.url, {method: 'POST', body: 'hi'}));
    if (next.size < ran.size) ran = next;
  }
  const walk = walkOf('request');
  const [, count, most] = /These (\d+) files decide the way\. (\d+) files at most run/.exec(architecture) ?? [];
  t.is(walk.length, Number(count));
  t.true(ran.size <= Number(most), [...ran].join(' '));
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});

test('a tick runs every file of its walk', async t => {
  const core = await start(t, {CORE_SCHEDULES: '[{"name": "beat", "cron": "* * * * * *"}]'});
  const ran = await ranDuring(core, () => setTimeout(2500));
  const walk = walkOf('tick');
  t.true(walk.length > 5);
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});

test('a reload runs every file of its walk', async t => {
  const core = await start(t);
  const ran = await ranDuring(core, async () => {
    core.kill('SIGHUP');
    await core.logged(({msg}) => msg.startsWith('Reloaded'));
    await ask(core.url);
  });
  const walk = walkOf('reload');
  t.true(walk.length > 5);
  for (const file of walk) t.true(ran.has(file), `${file} did not run`);
});
