import {spawnSync} from 'node:child_process';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {streamsSuite} from '../helpers/streams-suite.ts';

if (spawnSync('php', ['-r', 'exit(PHP_VERSION_ID < 80000 ? 1 : 0);']).status === 0) {
  streamsSuite({
    title: 'php',
    env: () => ({SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/streams.php')}),
    wrong: 'broken off',
  });
} else test.skip('php: PATH has no php 8 or later', () => {});
