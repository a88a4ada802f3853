/** Header fields, in lower case, that are meant for one hop or frame a message (RFC 9110 §7.6.1). Functions are not on that hop. */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
