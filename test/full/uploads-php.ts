import {spawnSync} from 'node:child_process';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {uploadsSuite} from '../helpers/uploads-suite.ts';

if (spawnSync('php', ['-r', 'exit(PHP_VERSION_ID < 80000 ? 1 : 0);']).status === 0) {
  const file = projectFile('test/fixtures/functions/core/uploads.php');
  uploadsSuite({title: 'php', env: {SCW_HANDLER_PATH: file, CORE_WORKERS: '4'}}); // one call at a time in each
} else test.skip('php: PATH has no php 8 or later', () => {});
