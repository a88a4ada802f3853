import {execFile} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {cliProgram} from '../helpers/programs.ts';

const guide = readFileSync(projectFile('runtimes/README.md'), 'utf8');
const [, name = '', program = ''] = /<!-- example: (\S+) -->\n```js\n([\s\S]*?)```\n<!-- \/example -->/.exec(guide) ?? [];

test('the guide’s sub-runtime passes every required case', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  writeFileSync(join(folder, name), program);
  const args = ['conform', '--handler', projectFile('runtimes/node/conform.cjs'), '--', process.execPath, join(folder, name)];
  const {stdout} = await promisify(execFile)(process.execPath, [cliProgram, ...args]); // rejects on exit code 1
  t.regex(stdout, /^(\d+) of \1 required and/m);
});

test('the guide’s table and the cases know the same things to do', t => {
  const told = [...guide.matchAll(/`\{"do": "(\w+)"/g)].map(([, todo]) => todo);
  const files = ['required', 'recommended', 'channel/streaming', 'channel/uploading'];
  const texts = files.map(file => readFileSync(projectFile(`src/conform/${file}.ts`), 'utf8'));
  const asked = [...texts.join('').matchAll(/\{do: '(\w+)'/g)].map(([, todo]) => todo);
  t.deepEqual([...new Set(told)].sort(), [...new Set(asked)].sort());
});

test('every link of the guide leads to a file', t => {
  for (const [, link = ''] of guide.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)) t.true(existsSync(projectFile(`runtimes/${link}`)), link);
});
