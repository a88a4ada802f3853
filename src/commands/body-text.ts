import {printable} from '../printable.ts';
import type {PlainBody} from '../projections/exchange.ts';

/** More of a body is left to `--json`. */
const mostLines = 20;
const mostCharacters = 2000;

/** A body for people, below an empty line: JSON as it came, text by lines, of other bytes only how many. */
export function bodyLines({bytes, body, encoding}: PlainBody): string[] {
  if (body === undefined) return [];
  if (encoding !== 'text') return ['', `(${bytes.toLocaleString('en-US')} bytes that are no text)`];
  const shown = body.slice(0, mostCharacters).split('\n').slice(0, mostLines);
  const more = bytes - Buffer.byteLength(shown.join('\n'));
  if (more === 0 && shown.at(-1) === '') shown.pop(); // the body ends with its last line
  return ['', ...shown.map(printable), ...(more > 0 ? [`(and ${more.toLocaleString('en-US')} more bytes; --json has up to 64 KiB)`] : [])];
}
