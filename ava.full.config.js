import os from 'node:os';

/** The long suite: language matrix, engines and brokers on servers, collector, Prometheus, short crash loops. */
export default {
  extensions: ['ts'],
  files: ['test/full/**/*.ts'],
  // As in the everyday suite: its files wait for processes and servers most of their time.
  concurrency: 2 * os.availableParallelism(),
  // The versions of Python take longest, one after the other: they begin first.
  sortTestFiles: (one, other) => isPython(other) - isPython(one) || (one < other ? -1 : 1),
  timeout: '10m',
};

/** @param {string} file */
const isPython = file => Number(/\/python-\d/.test(file));
