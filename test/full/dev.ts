import {execFileSync, spawnSync} from 'node:child_process';
import {rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile, spawnCli} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

// The loop of `dev` in other languages than Node, and with what editors, git and compilers do to files.

async function start(t: ExecutionContext, folder: string) {
  const dev = await spawnCli(['dev', folder], t);
  const [, url = ''] = /url +(http:\S+)/.exec(await dev.until(/ try .*\n/)) ?? [];
  /** Resolves when this is the answer. Every answer before is a good one, too. */
  async function served(expected: string): Promise<void> {
    for (;;) {
      const {status, body} = await ask(url);
      t.is(status, 200, String(body));
      if (String(body) === expected) return;
    }
  }
  return {url, served};
}

test('Python: the handler, a module of the same size within the same second, and package/', async t => {
  const handler = 'import lib, dep\ndef handle(event, context):\n    return {"body": lib.text + dep.text}\n';
  const folder = await folderWith(t, {'handler.py': handler, 'lib.py': 'text = "a"\n', 'package/dep.py': 'text = "1"\n'});
  const {served} = await start(t, folder);
  await served('a1');
  for (const letter of 'bcdef') {
    await writeFile(path.join(folder, 'lib.py'), `text = "${letter}"\n`);
    await served(`${letter}1`);
  }
  await writeFile(path.join(folder, 'package/dep.py'), 'text = "2"\n');
  await served('f2');
});

test('Node: calls that run when several edits follow one another are answered by the code that they came to', async t => {
  const code = (version: number) =>
    `exports.handle = async event => {
      if (event.path === '/slow') await new Promise(resolve => setTimeout(resolve, 3000));
      return {body: '${version}'};
    };`;
  const folder = await folderWith(t, {'handler.js': code(0)});
  const {url, served} = await start(t, folder);
  const slow: Promise<string>[] = [];
  for (let version = 0; version < 4; version++) {
    await served(String(version));
    slow.push(ask(`${url}/slow`).then(({status, body}) => `${status} ${body}`));
    await ask(url); // the slow call is on its way
    await writeFile(path.join(folder, 'handler.js'), code(version + 1));
  }
  t.deepEqual(await Promise.all(slow), ['200 0', '200 1', '200 2', '200 3']);
});

test('Node: what git does when it changes branches, back and forth', async t => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {cwd: folder, stdio: 'ignore'});
  const files = (text: string) =>
    Object.fromEntries(Array.from({length: 50}, (_, index) => [`lib/${index}.js`, `exports.text = '${text}';`]));
  const handler = `exports.handle = async () => ({body: [...Array(50).keys()].map(index => require(\`./lib/\${index}\`).text).join('')});`;
  const folder = await folderWith(t, {'handler.js': handler, ...files('a')});
  git('init', '-b', 'a');
  git('add', '.');
  git('commit', '-m', 'a');
  git('checkout', '-b', 'b');
  for (const [name, text] of Object.entries(files('b'))) await writeFile(path.join(folder, name), text);
  git('commit', '-am', 'b');
  const {served} = await start(t, folder);
  for (const branch of ['a', 'b', 'a', 'b']) {
    git('checkout', branch);
    await served(branch.repeat(50));
  }
});

test('PHP: an edit is served', async t => {
  const code = (text: string) => `<?php function handle($event, $context) { return ['body' => '${text}']; }`;
  const folder = await folderWith(t, {'handler.php': code('a')});
  const {served} = await start(t, folder);
  await served('a');
  await writeFile(path.join(folder, 'handler.php'), code('b'));
  await served('b');
});

(spawnSync('go', ['version']).status === 0 ? test : test.skip)('Go: a program that is built anew', async t => {
  const source = `package main
import ("fmt"; "net/http"; functions "core-runtime/functions")
var text = "a"
func main() { functions.Start(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }) }
`;
  const library = projectFile('runtimes/go');
  const module = `module hello\ngo 1.19\nrequire core-runtime/functions v0.0.0\nreplace core-runtime/functions => ${library}\n`;
  const folder = await folderWith(t, {'main.go': source, 'go.mod': module});
  const build = (text: string, to: string) =>
    execFileSync('go', ['build', '-ldflags', `-X main.text=${text}`, '-o', to, '.'], {cwd: folder, stdio: ['ignore', 'ignore', 'inherit']});
  build('a', 'handler');
  const {served} = await start(t, folder);
  await served('a');
  build('b', 'handler');
  await served('b');
  build('c', 'built');
  await rename(path.join(folder, 'built'), path.join(folder, 'handler'));
  await served('c');
});
