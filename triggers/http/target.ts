import type {IncomingHttpHeaders} from 'node:http';
import {Fault} from '../../src/errors.ts';
import {utf8FromLatin1} from '../../src/http/utf8.ts';
import {malformed} from './guard.ts';

/** What a request line asks for: the decoded path, and the query without its question mark. */
export interface Target {
  /** As it came, from its first slash. */
  readonly origin: string;
  readonly path: string;
  readonly query: string;
}

/**
Reads a request target in origin form (`/a?b`) or absolute form (`http://host/a?b`; the path is taken from it).
Nothing is normalised: `//` and `..` stay. Bytes that are not UTF-8 become U+FFFD.

@param target as Node gives it: latin1 text of the bytes
@param passes it is passed on as it stands: a malformed escape is the server's affair
@throws Fault REQUEST_MALFORMED
*/
export function parseTarget(target: string, passes = false): Target {
  const origin = target.startsWith('/') ? target : originForm(target);
  const mark = origin.indexOf('?');
  const path = mark === -1 ? origin : origin.slice(0, mark);
  return {
    origin,
    path: passes && malformedEscape.test(path) ? path : decodePath(path),
    query: mark === -1 ? '' : utf8FromLatin1(origin.slice(mark + 1)),
  };
}

/** The target for a function that wants it as it came, with an escape for each byte that is not ASCII; undefined where the path tells all of it. */
export function rawTarget(origin: string): string | undefined {
  if (!beyondPath.test(origin)) return undefined;
  return origin.replaceAll(/[^\x21-\x7e]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** An escape, a query, or what is no plain character. */
const beyondPath = /[^!-$&->@-~]/;

/** The host, and perhaps the port, that a target in absolute form names. */
export const authorityOf = (target: string): string | undefined => absolute.exec(target)?.[1];

const absolute = /^https?:\/\/([^/?#]+)(.*)$/i;

function originForm(target: string): string {
  const [, , rest] = absolute.exec(target) ?? [];
  if (rest === undefined) throw malformed('the target is neither a path nor an absolute http URL');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

const malformedEscape = /%(?![0-9A-Fa-f]{2})/;

function decodePath(path: string): string {
  if (!path.includes('%')) return utf8FromLatin1(path);
  if (malformedEscape.test(path)) throw malformed('the path holds a malformed % escape');
  const bytes = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return utf8FromLatin1(bytes);
}

/** The event's type for each value of `SCW_TRIGGER_TYPE`, the field that a platform's trigger may call with. */
const types: Readonly<Record<string, string>> = {
  '': 'http',
  http: 'http',
  cron: 'cron',
  mqtt: 'mqtt',
  nats: 'nats',
  sqs: 'sqs',
};

/** @throws Fault TRIGGER_UNKNOWN */
export function eventTypeOf({scw_trigger_type: claimed = ''}: IncomingHttpHeaders): string {
  const type = Object.hasOwn(types, String(claimed)) ? types[String(claimed)] : undefined;
  if (type === undefined) throw new Fault('TRIGGER_UNKNOWN');
  return type;
}
