import {execFile, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {conform, verdictsOf} from '../helpers/conform.ts';
import {projectFile} from '../helpers/core.ts';

// The everyday suite runs conform on the Node bridge and on sub-runtimes that are wrong.

const isInstalled = (program: string, ask = '--version') => spawnSync(program, [ask]).status === 0;

for (const [language, extension, binary, onChannel] of [
  ['python', 'py', 'python3', 47],
  ['php', 'php', 'php', 45], // it runs one call after another, and answers no PING meanwhile
] as const) {
  (isInstalled(binary) ? test : test.skip)(`the bridge for ${language} passes every case`, async t => {
    const env = {SCW_HANDLER_PATH: projectFile(`runtimes/${language}/conform.${extension}`), SCW_HANDLER_NAME: 'handle'};
    const ended = await conform(['--json', '--', binary, projectFile(`runtimes/${language}/bridge.${extension}`)], env);
    t.deepEqual(
      verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
      [],
      ended.stderr,
    );
    t.is(verdictsOf(ended).filter(({over}) => over === 'http').length, 29);
    t.is(verdictsOf(ended).filter(({over}) => over === 'channel').length, onChannel);
    t.is(ended.code, 0);
  });
}

(isInstalled('go', 'version') ? test : test.skip)('the library for Go passes every case', async t => {
  t.timeout(120_000, 'a first build compiles a standard library');
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  await promisify(execFile)('go', ['build', '-o', join(folder, 'conform'), './conform'], {cwd: projectFile('runtimes/go')});
  const ended = await conform(['--json', '--', join(folder, 'conform')]);
  t.deepEqual(
    verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
    [],
    ended.stderr,
  );
  t.is(verdictsOf(ended).filter(({over}) => over === 'http').length, 26);
  t.is(verdictsOf(ended).filter(({over}) => over === 'channel').length, 45);
  t.is(ended.code, 0);
});
