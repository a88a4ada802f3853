import os from 'node:os';

/** The long suite: language matrix, engines and brokers on servers, collector, Prometheus, short crash loops. */
export default {
  extensions: ['ts'],
  files: ['test/full/**/*.ts'],
  // As in the everyday suite: its files wait for processes and servers most of their time.
  concurrency: 2 * os.availableParallelism(),
  timeout: '10m',
};
