import {tickInput} from '../../triggers/cron/tick-input.ts';
import {parseTarget, rawTarget} from '../../triggers/http/target.ts';
import {CommandFailed} from '../command/failure.ts';
import type {Input, RequestInput} from '../delivery.ts';
import {exit} from '../exit.ts';

/** Name and value, as text. */
export type Pair = readonly [name: string, value: string];

/** What the function is to be called with. */
export interface InvokeWish {
  /** Parts of a recorded event, which the other members replace. */
  readonly event?: Partial<EventParts> | undefined;
  readonly method: string | undefined;
  /** With a query behind a question mark, if it has one. */
  readonly path: string | undefined;
  readonly headers: readonly Pair[];
  readonly query: readonly Pair[];
  readonly body: Buffer | undefined;
}

/** What an event says about its request. */
export interface EventParts {
  readonly method: string;
  readonly path: string;
  readonly query: readonly Pair[];
  readonly headers: readonly Pair[];
  readonly body: Buffer;
}

/**
The request of the wish, as the public port would have received it.

@throws CommandFailed for what is no request
*/
export function requestInput({event = {}, method, path, headers, query, body = event.body}: InvokeWish): RequestInput {
  const target = path === undefined ? {path: event.path ?? '/', query: '', origin: undefined} : targetOf(path);
  const search = new URLSearchParams([...(event.query ?? []), ...query].map(pair => [...pair])).toString();
  const named = new Set(headers.map(([name]) => name.toLowerCase()));
  named.add('content-length'); // it is counted
  const fields = [...(event.headers ?? []).filter(([name]) => !named.has(name.toLowerCase())), ...headers];
  return {
    shape: 'request',
    eventType: 'http',
    reply: 'http',
    method: method ?? event.method ?? (body === undefined ? 'GET' : 'POST'),
    path: target.path,
    query: [target.query, search].filter(part => part !== '').join('&'),
    target: target.origin === undefined ? undefined : rawTarget(withQuery(target.origin, search)),
    headers: [...usual(fields, body), ...fields].flat().map(asBytes),
    body: body ?? nothing,
    sourceIp: '127.0.0.1',
  };
}

/** The event of a schedule, as if it were due now. @param at ISO 8601 */
export const dueNow = (body: Buffer | undefined, at: string): Input =>
  tickInput({name: 'invoke', occurrence: at, body: body ?? Buffer.from('{}')});

const nothing = Buffer.alloc(0);

const withQuery = (origin: string, search: string) => (search === '' ? origin : `${origin}${origin.includes('?') ? '&' : '?'}${search}`);

function targetOf(path: string) {
  if (!path.startsWith('/')) throw new CommandFailed(exit.misused, `--path: expected a path that begins with /, got \`${path}\``);
  try {
    return parseTarget(asBytes(path));
  } catch (error) {
    throw new CommandFailed(exit.misused, `--path: ${(error as Error).message}`, {cause: error}); // it throws faults only
  }
}

/** The fields that every client sends, unless they are given. */
function usual(fields: readonly Pair[], body: Buffer | undefined): readonly Pair[] {
  const own: Pair[] = [
    ['Host', 'localhost'],
    ['User-Agent', 'core-runtime-invoke'],
    ['Accept', '*/*'],
  ];
  if (body !== undefined)
    own.push(['Content-Type', isJson(body) ? 'application/json' : 'text/plain; charset=utf-8'], ['Content-Length', String(body.length)]);
  return own.filter(([name]) => !fields.some(([given]) => given.toLowerCase() === name.toLowerCase()));
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** Headers are latin1 text of their bytes. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1');
