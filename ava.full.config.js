/** The long suite: language matrix, collector, Prometheus, short crash loops. */
export default {
  extensions: ['ts'],
  files: ['test/full/**/*.ts'],
  timeout: '10m',
};
