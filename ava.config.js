import os from 'node:os';

/** The everyday suite: everything but `test/full`, which needs the languages, the collector and Prometheus. */
export default {
  extensions: ['ts'],
  files: ['test/**/*.ts', '!test/helpers/**', '!test/fixtures/**', '!test/full/**'],
  // Most files wait for processes half of their time.
  concurrency: 2 * os.availableParallelism(),
  // Without the end of any test. A busy machine takes a quarter of a minute to start a core, and some files start many.
  timeout: '3m',
};
