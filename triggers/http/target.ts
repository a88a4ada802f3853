import {utf8FromLatin1} from '../../src/http/utf8.ts';
import {malformed} from './guard.ts';

/** What a request line asks for: the decoded path, and the query without its question mark. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/**
Reads a request target in origin form (`/a?b`) or absolute form (`http://host/a?b`; the path is taken from it).
Nothing is normalised: `//` and `..` stay. Bytes that are not UTF-8 become U+FFFD.

@param target as Node gives it: latin1 text of the bytes
@throws Fault REQUEST_MALFORMED
*/
export function parseTarget(target: string): Target {
  const origin = target.startsWith('/') ? target : originForm(target);
  const mark = origin.indexOf('?');
  const path = mark === -1 ? origin : origin.slice(0, mark);
  return {path: decodePath(path), query: mark === -1 ? '' : utf8FromLatin1(origin.slice(mark + 1))};
}

function originForm(target: string): string {
  const [, rest] = /^https?:\/\/[^/?#]+(.*)$/i.exec(target) ?? [];
  if (rest === undefined) throw malformed('the target is neither a path nor an absolute http URL');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function decodePath(path: string): string {
  if (!path.includes('%')) return utf8FromLatin1(path);
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) throw malformed('the path holds a malformed % escape');
  const bytes = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return utf8FromLatin1(bytes);
}
