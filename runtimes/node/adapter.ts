import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {RuntimeAdapter} from '../../src/runtime.ts';

const bridge = fileURLToPath(new URL('bridge.cjs', import.meta.url));

/** Handlers in JavaScript and, where the interpreter strips types, TypeScript. By default in the core's own Node. */
export const node: RuntimeAdapter = {
  extensions: ['.js', '.cjs', '.mjs', '.ts'],
  bridge,
  interpreter: process.execPath,
  concurrency: 100,
  // Every Node knows the argument; another program that stands in for Node may not.
  heapArgs: (interpreter, bytes) =>
    /^node/.test(path.basename(interpreter)) ? [`--max-old-space-size=${Math.floor(bytes / 2 ** 20)}`] : [],
};
