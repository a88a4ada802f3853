import path from 'node:path';
import everyday from './ava.config.js';
import {servers} from './ava.parts.js';

// What the files of tests share is compiled once. What is covered stays the same: it was compared.
process.env.NODE_COMPILE_CACHE ??= path.join(import.meta.dirname, 'node_modules/.cache/core-runtime/covered');

/** The everyday suite, and of the long one what alone reaches the code of engines and brokers on servers. */
export default {
  ...everyday,
  files: [...everyday.files.filter(pattern => pattern !== '!test/full/**'), `!test/full/!(${servers}).ts`],
  // Tests with servers and brokers wait most of the time, the others compute: they are mixed.
  sortTestFiles: (one, other) => turn(one) - turn(other) || (one < other ? -1 : 1),
  timeout: '5m',
};

/**
From 0 to 1, as good as random but the same in each run. Files of the long suite come in the first half, as they are the longest.

@param {string} file
*/
function turn(file) {
  const name = file.slice(file.lastIndexOf('/test/'));
  let hash = 0x811c9dc5;
  for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0;
  return (hash / 2 ** 32) * (name.includes('/full/') ? 0.5 : 1);
}
