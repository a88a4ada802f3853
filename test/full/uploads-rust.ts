import {execFileSync, spawnSync} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {uploadsSuite} from '../helpers/uploads-suite.ts';

// What cargo builds is kept between runs, as for rust.ts.
const target = process.env.CARGO_TARGET_DIR ?? path.join(os.tmpdir(), 'core-runtime-rust-target');

if (spawnSync('cargo', ['--version']).status === 0) {
  execFileSync('cargo', ['build', '--release', '--locked', '--quiet'], {
    cwd: projectFile('test/fixtures/functions/rust'),
    env: {...process.env, CARGO_TARGET_DIR: target},
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  uploadsSuite({
    title: 'rust',
    env: {SCW_HANDLER_PATH: path.join(target, 'release/handlers'), SCW_HANDLER_NAME: 'uploads', SCW_HANDLER_IS_BINARY: 'true'},
  });
} else {
  test.skip('rust: PATH has no cargo', () => {});
}
