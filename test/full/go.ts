import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {compiledSuite} from '../helpers/compiled-suite.ts';

// The Go library in a program of its own.

const root = fileURLToPath(new URL('../../', import.meta.url));

if (spawnSync('go', ['version']).status === 0) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'core-go-'));
  test.after.always(() => rmSync(folder, {recursive: true, force: true}));
  const program = path.join(folder, 'handlers');
  go('test/fixtures/functions/go', 'build', '-o', program, './handlers');
  bridgeSuite({
    title: 'go',
    binary: program,
    bridge: '',
    handlers: program,
    extension: 'go',
    brokenText: '',
    tags: true,
    compiled: true,
  });

  compiledSuite('go', program);

  test.serial('go: the tests of the library pass', t => {
    t.notThrows(() => go('runtimes/go', 'test', './...'));
  });

  test.serial('go: an error is a 500 with its text, and the next call is served', async t => {
    const b = await startBridge(t, {binary: program, bridge: '', path: program, name: 'refuses'});
    for (let i = 0; i < 2; i++) t.like(await b.call({}), {status: 500, text: 'no luck – today'});
  });
} else {
  test.skip('go: PATH has no go', () => {});
}

function go(cwd: string, ...args: string[]): void {
  execFileSync('go', args, {cwd: path.join(root, cwd), stdio: ['ignore', 'ignore', 'inherit']});
}
