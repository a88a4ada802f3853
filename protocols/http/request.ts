import type {RequestInput} from '../../src/delivery.ts';
import type {OpenRequest, PassedRequest} from '../../src/passing.ts';
import type {CallFacts} from '../../src/protocol.ts';
import {isOurs, passFields} from './fields.ts';

/** Makes what is sent of a request: what came, with what a proxy adds. A message, or a tick, is a POST to `/` with its body. */
export function passedRequest(input: RequestInput, {credential}: CallFacts): PassedRequest {
  return input.open ? passedThrough(input, input.open, credential) : deliveredWhole(input, credential);
}

function passedThrough(input: RequestInput, open: OpenRequest, credential: string | undefined): PassedRequest {
  const {method, headers: raw} = input;
  const headers = forwarded(input, credential, open);
  if (open.upgrade) headers.push('Connection', 'Upgrade', 'Upgrade', open.upgrade.offer);
  else if (takesTrailers(raw)) headers.push('TE', 'trailers', 'Connection', 'keep-alive, TE');
  const {body} = open;
  if (body && body.bytes === undefined) headers.push('Transfer-Encoding', 'chunked');
  return {method, target: open.target, headers, body, open, credential};
}

/** Fields of a request that go on, and what a proxy adds. @param open absent: its body is known whole, and framed anew */
function forwarded({headers: raw, sourceIp}: RequestInput, credential: string | undefined, open?: OpenRequest): string[] {
  const headers: string[] = [];
  let host: string | undefined;
  let forwardedFor = '';
  let isProtoKnown = false;
  let isHostKnown = false;
  passFields(raw, (name, value, lower) => {
    if (lower === credential || isOurs(lower)) return;
    if (!open && (framing.has(lower) || !isField(name, value))) return;
    if (lower === 'host') host = value;
    if (lower === 'expect' && !open?.takesInterim) return;
    if (lower === 'x-forwarded-for') {
      forwardedFor += forwardedFor === '' ? value : `, ${value}`;
      return;
    }
    if (lower === 'x-forwarded-proto') isProtoKnown = true;
    if (lower === 'x-forwarded-host') isHostKnown = true;
    headers.push(name, value);
  });
  if (host === undefined) headers.push('Host', 'localhost'); // HTTP/1.0
  const from = forwardedFor === '' || sourceIp === '' ? forwardedFor + sourceIp : `${forwardedFor}, ${sourceIp}`;
  if (from !== '') headers.push('X-Forwarded-For', from);
  if (!isProtoKnown) headers.push('X-Forwarded-Proto', 'http');
  if (!isHostKnown && host !== undefined) headers.push('X-Forwarded-Host', host);
  return headers;
}

/** Trailers are passed on, so whoever takes them from us may get them from the server. */
function takesTrailers(raw: readonly string[]): boolean {
  return raw.some(
    (name, index) => index % 2 === 0 && name.toLowerCase() === 'te' && /(^|,)\s*trailers\s*(,|$)/i.test(raw[index + 1] ?? ''),
  );
}

const framing: ReadonlySet<string> = new Set(['content-length', 'expect', 'trailer', 'connection']);

/** What is known whole: a message, a tick, or a request that waited as work. */
function deliveredWhole(input: RequestInput, credential: string | undefined): PassedRequest {
  const {method, path, query, target, eventType, body} = input;
  const headers = eventType === 'http' ? forwarded(input, credential) : described(input, credential);
  headers.push('Content-Length', String(body.length));
  return {method, target: target ?? targetOf(path, query), headers, body, open: undefined, credential};
}

/** Fields of what is no request, and what it is. */
function described({headers: raw, eventType, context}: RequestInput, credential: string | undefined): string[] {
  const headers: string[] = ['Host', 'localhost'];
  passFields(raw, (name, value, lower) => {
    if (lower === credential || isOurs(lower) || lower === 'host' || framing.has(lower) || !isField(name, value)) return;
    headers.push(name, value);
  });
  headers.push('Core-Event-Type', eventType);
  if (context) headers.push('Core-Event-Context', asciiJson(context));
  return headers;
}

/** A message has attributes of any name and text, and so may what a package delivers. */
const isField = (name: string, value: string) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !/[^\t\x20-\x7e\x80-\xff]/.test(value);

const asciiJson = (value: unknown) =>
  JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** What was kept before its target was kept with it, and what is no request, has its path encoded anew. */
function targetOf(path: string, query: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return query === '' ? encoded : `${encoded}?${encodeURI(query).replaceAll('%25', '%')}`;
}
