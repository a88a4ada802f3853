import {rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const own = path.join(import.meta.dirname, 'node_modules/.cache/core-runtime');

/** The everyday suite: everything but `test/full`, which needs the languages, the collector and Prometheus. */
export default {
  extensions: ['ts'],
  files: ['test/**/*.ts', '!test/helpers/**', '!test/fixtures/**', '!test/full/**'],
  // Most files wait for processes half of their time.
  concurrency: 2 * os.availableParallelism(),
  // Without the end of any test. A busy machine takes a quarter of a minute to start a core, and some files start many.
  timeout: '3m',
  environmentVariables: process.env.CORE_TEST_PROGRAMS === 'built' ? await built() : {},
};

/**
The whole suites start what ships: a start of the bundle takes half of the CPU time that the sources take. The files of tests
themselves share what V8 compiled.
*/
async function built() {
  const out = path.join(own, `built-${process.pid}`);
  const {build} = await import('./build.ts');
  await build(import.meta.dirname, out);
  process.once('exit', () => rmSync(out, {recursive: true, force: true}));
  process.env.NODE_COMPILE_CACHE ??= path.join(own, 'compiled');
  return {CORE_TEST_BUILD: out};
}
