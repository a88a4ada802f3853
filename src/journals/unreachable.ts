const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
True when the network says that a server is not there now, or that its name is not known now. What a certificate, a password or
a file is refused for is none of that. Pure.
*/
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const {code = '', syscall = ''} = error as NodeJS.ErrnoException;
  // A socket in the file system is made by its server.
  if (codes.has(code) || (code === 'ENOENT' && syscall === 'connect')) return true;
  // A name may have several addresses, each with an error of its own.
  return isUnreachable(error.cause) || (error instanceof AggregateError && error.errors.some(isUnreachable));
}
