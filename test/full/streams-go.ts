import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {streamsSuite} from '../helpers/streams-suite.ts';

if (spawnSync('go', ['version']).status === 0) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'core-go-streams-'));
  test.after.always(() => rmSync(folder, {recursive: true, force: true}));
  const program = path.join(folder, 'handlers');
  execFileSync('go', ['build', '-o', program, './handlers'], {cwd: projectFile('test/fixtures/functions/go')});
  streamsSuite({
    title: 'go',
    env: () => ({SCW_HANDLER_PATH: program, SCW_HANDLER_NAME: 'streams', SCW_HANDLER_IS_BINARY: 'true'}),
    several: true,
    aborts: true,
    wrong: undefined, // what is written is bytes
  });
} else {
  test.skip('go: PATH has no go', () => {});
}
