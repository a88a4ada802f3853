import everyday from './ava.config.js';

/** The everyday suite, and of the long one what alone reaches the code of engines and brokers on servers. */
export default {
  ...everyday,
  files: [...everyday.files.filter(pattern => pattern !== '!test/full/**'), '!test/full/!(messages|nats|postgres)*'],
  timeout: '5m',
};
