import {fileURLToPath} from 'node:url';
import type {RuntimeAdapter} from '../../src/runtime.ts';

const bridge = fileURLToPath(new URL('bridge.php', import.meta.url));

/** Handlers in PHP. One process runs one call at a time. */
export const php: RuntimeAdapter = {
  extensions: ['.php'],
  bridge,
  interpreter: 'php',
  install: {name: 'PHP', packages: 'php-cli'},
  concurrency: 1,
};
