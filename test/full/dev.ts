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
  return async function served(expected: string): Promise<void> {
    for (;;) {
      const {status, body} = await ask(url);
      t.is(status, 200, String(body));
      if (String(body) === expected) return;
    }
  };
}

test('Python: the handler, a module of the same size within the same second, and package/', async t => {
  const handler = 'import lib, dep\ndef handle(event, context):\n    return {"body": lib.text + dep.text}\n';
  const folder = await folderWith(t, {'handler.py': handler, 'lib.py': 'text = "a"\n', 'package/dep.py': 'text = "1"\n'});
  const served = await start(t, folder);
  await served('a1');
  for (const letter of 'bcdef') {
    await writeFile(path.join(folder, 'lib.py'), `text = "${letter}"\n`);
    await served(`${letter}1`);
  }
  await writeFile(path.join(folder, 'package/dep.py'), 'text = "2"\n');
  await served('f2');
});

test('PHP: an edit is served', async t => {
  const code = (text: string) => `<?php function handle($event, $context) { return ['body' => '${text}']; }`;
  const folder = await folderWith(t, {'handler.php': code('a')});
  const served = await start(t, folder);
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
  const served = await start(t, folder);
  await served('a');
  build('b', 'handler');
  await served('b');
  build('c', 'built');
  await rename(path.join(folder, 'built'), path.join(folder, 'handler'));
  await served('c');
});
