import {execFileSync} from 'node:child_process';
import {chmodSync, copyFileSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {ask} from '../helpers/request.ts';

const home = mkdtempSync(join(tmpdir(), 'seed-'));
test.after.always(() => rmSync(home, {recursive: true}));

/** The exports of the original README, on free ports. */
async function seedExports(extra: Record<string, string>) {
  return {
    SCW_HANDLER_NAME: 'handle',
    SCW_UPSTREAM_HOST: '127.0.0.1',
    SCW_UPSTREAM_PORT: String(await freePort()),
    SCW_PUBLIC: 'true',
    ...extra,
  };
}

copyFileSync(projectFile('examples/01-hello-node/handler.js'), join(home, 'handler.js'));
const handler = join(home, 'handler');

for (const [title, bridge] of [
  ['our bridge, copied elsewhere', 'runtimes/node/bridge.cjs'],
  ['a bridge as the original’s', 'test/fixtures/original-bridge.cjs'],
] as const) {
  test(`the dynamic-language example works letter for letter with ${title}`, async t => {
    const copy = join(home, `index-${bridge.replaceAll('/', '-')}`);
    copyFileSync(projectFile(bridge), copy);
    const core = await startCore(
      await seedExports({SCW_RUNTIME_BINARY: process.execPath, SCW_RUNTIME_BRIDGE: copy, SCW_HANDLER_PATH: handler}),
      t,
    );
    const answer = await ask(`${core.url}/?name=Ada`);
    t.is(answer.status, 200);
    t.is(answer.json().message, 'Hello, Ada!');
    t.is(await core.stop(), 0);
  });
}

test('binary and bridge may be left out: the extension gives the language', async t => {
  const core = await startCore(await seedExports({SCW_HANDLER_PATH: handler}), t);
  t.is((await ask(core.url)).json().message, 'Hello, world!');
  t.is(await core.stop(), 0);
});

test('CORE_RUNTIME gives the language of a file with another extension', async t => {
  const renamed = join(home, 'handler.function');
  copyFileSync(projectFile('examples/02-hello-python/handler.py'), renamed);
  const core = await startCore(await seedExports({SCW_HANDLER_PATH: renamed, CORE_RUNTIME: 'python'}), t);
  t.is((await ask(core.url)).status, 200);
  t.is(await core.stop(), 0);
});

const goVersion = (() => {
  try {
    return execFileSync('go', ['version'], {encoding: 'utf8'}).trim();
  } catch {
    return undefined;
  }
})();
const goTest = goVersion === undefined ? test.skip : test;
if (goVersion === undefined) console.log('skipped: the compiled-language example needs Go on the PATH');

goTest('the compiled-language example works: a Go program is the sub-runtime', async t => {
  t.timeout(120_000, 'the first build compiles the standard library');
  const binary = join(home, 'go-handler');
  execFileSync('go', ['build', '-o', binary, '.'], {cwd: projectFile('examples/03-hello-go')});
  chmodSync(binary, 0o755);
  const core = await startCore(await seedExports({SCW_HANDLER_PATH: binary, SCW_HANDLER_IS_BINARY: 'true'}), t);
  const answer = await ask(`${core.url}/?name=Ada`);
  t.is(answer.status, 200);
  t.regex(answer.text(), /Ada/);
  t.is(await core.stop(), 0);
});
