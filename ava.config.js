/** The everyday suite: everything but `test/full`, which needs the languages, the collector and Prometheus. */
export default {
  extensions: ['ts'],
  files: ['test/**/*.ts', '!test/helpers/**', '!test/fixtures/**', '!test/full/**'],
  timeout: '60s',
};
