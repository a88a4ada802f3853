import {isDeepStrictEqual} from 'node:util';
import {Fault} from '../../src/errors.ts';
import {parseTarget} from '../../triggers/http/target.ts';
import {pick, random} from './chance.ts';
import {count, differ} from './run.ts';

/** A target of a request, compared with another decoder. */
export function fuzzTarget(): void {
  const parts = [
    '/',
    '//',
    '..',
    '%',
    '%2',
    '%2f',
    '%00',
    '%FF',
    '%c3%a9',
    'a',
    '?',
    '#',
    '&',
    '=',
    '+',
    '\xc3\xa9',
    '\xff',
    'http://',
    'HTTPS://',
    'ftp://',
    'h',
    ':80',
    '@',
    '*',
    '\\',
    ';',
    '[',
    '%e2%82',
  ];
  let target = pick(['/', '/', '/', '', 'http://a', '*']);
  for (let length = random(8); length > 0; length--) target += pick(parts);
  let read: {path: string; query: string} | undefined;
  try {
    read = parseTarget(target);
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'REQUEST_MALFORMED')) differ('a target that is a bug', {target, error});
  }
  const expected = targetOf(target);
  if (!isDeepStrictEqual(read, expected)) differ('a target that is read in two ways', {target, read, expected});
  count(read ? 'targets' : 'targets refused');
}

/** Another reading of a target, byte by byte. */
function targetOf(target: string): {path: string; query: string} | undefined {
  let rest = target;
  if (!rest.startsWith('/')) {
    const scheme = ['http://', 'https://'].find(each => rest.toLowerCase().startsWith(each));
    if (!scheme) return undefined;
    rest = rest.slice(scheme.length);
    const end = [...rest].findIndex(character => '/?#'.includes(character));
    if (end === 0 || rest === '') return undefined;
    rest = end === -1 ? '' : rest.slice(end);
    if (!rest.startsWith('/')) rest = `/${rest}`;
  }
  const [path = '', ...query] = rest.split('?');
  const bytes: number[] = [];
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== '%') bytes.push(path.charCodeAt(at));
    else {
      const digits = path.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/i.test(digits)) return undefined;
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    }
  }
  const text = (given: Iterable<number>) => new TextDecoder('utf-8', {ignoreBOM: true}).decode(Uint8Array.from(given));
  return {path: text(bytes), query: text(Buffer.from(query.join('?'), 'latin1'))};
}
