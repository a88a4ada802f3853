/** Node gives the bytes of a request's head as latin1 text; this is the UTF-8 that they mean. Bytes that are not UTF-8 become U+FFFD. */
export function utf8FromLatin1(latin1: string): string {
  for (let index = 0; index < latin1.length; index++) {
    if (latin1.charCodeAt(index) > 0x7f) return Buffer.from(latin1, 'latin1').toString('utf8');
  }
  return latin1;
}
