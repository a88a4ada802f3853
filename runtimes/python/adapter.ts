import {fileURLToPath} from 'node:url';
import type {RuntimeAdapter} from '../../src/runtime.ts';

const bridge = fileURLToPath(new URL('bridge.py', import.meta.url));

/** Handlers in Python. One call at a time unless CORE_CONCURRENCY says more, as their original server ran them; the bridge reports that an async handler takes more. */
export const python: RuntimeAdapter = {
  extensions: ['.py'],
  bridge,
  interpreter: 'python3',
  install: {name: 'Python', packages: 'python3'},
  concurrency: 1,
};
