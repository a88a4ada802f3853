import everyday from './ava.config.js';

/** The long suite: language matrix, engines and brokers on servers, collector, Prometheus, short crash loops. */
export default {
  ...everyday,
  files: ['test/full/**/*.ts'],
  // The versions of Python take longest, one after the other: they begin first.
  sortTestFiles: (one, other) => isPython(other) - isPython(one) || (one < other ? -1 : 1),
  timeout: '10m',
};

/** @param {string} file */
const isPython = file => Number(/\/python-\d/.test(file));
