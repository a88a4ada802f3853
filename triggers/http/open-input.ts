import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Holder, RequestInput} from '../../src/delivery.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {OpenBody, OpenRequest} from '../../src/passing.ts';
import {hasBody} from './body.ts';
import {connectionOf} from './connection.ts';
import {isHost, malformed} from './guard.ts';
import {IncomingBody} from './open-body.ts';
import {authorityOf, rawTarget, type Target} from './target.ts';

export interface OpenInputOptions {
  readonly target: Target;
  readonly maxBodyBytes: number;
  /** What the pieces of its body are charged to. */
  openHold(): Hold;
  readonly holder: Holder;
  readonly clock: ConstructorParameters<typeof IncomingBody>[2]['clock'];
}

/** A request that is passed on: its head as it came, and its body as it comes. @throws Fault BODY_TOO_LARGE by the declared length */
export function openInput(response: ServerResponse, options: OpenInputOptions): RequestInput {
  const request = response.req;
  const {target, holder} = options;
  return {
    shape: 'request',
    eventType: 'http',
    reply: 'http',
    method: request.method ?? '',
    path: target.path,
    query: target.query,
    target: rawTarget(target.origin),
    headers: withAuthority(request),
    body: nothing,
    sourceIp: connectionOf(request.socket).address,
    holder,
    open: {
      target: target.origin,
      body: hasBody(request) ? openBody(request, options) : undefined,
      upgrade: offerOf(request),
      takesInterim: request.httpVersion === '1.1',
      interim: (status, headers) => writeInterim(response, status, headers),
    },
  };
}

function offerOf({socket, headers}: IncomingMessage): OpenRequest['upgrade'] {
  const {tunnel} = connectionOf(socket);
  return tunnel && {offer: headers.upgrade ?? '', body: tunnel};
}

function openBody(request: IncomingMessage, {maxBodyBytes: maxBytes, openHold, clock}: OpenInputOptions): OpenBody {
  return new IncomingBody(connectionOf(request.socket), request, {maxBytes, hold: openHold(), clock});
}

/** A target that names the host counts, and not the field Host (RFC 9112 §3.2.2). */
function withAuthority({url = '', headers, rawHeaders}: IncomingMessage): readonly string[] {
  const authority = url.startsWith('/') ? undefined : authorityOf(url);
  if (authority === undefined) return rawHeaders;
  if (!isHost(authority)) throw malformed('the target names no host and port'); // RFC 9110 §4.2.4: nor who asks
  if (headers.host === undefined) return ['Host', authority, ...rawHeaders]; // HTTP/1.0
  return rawHeaders.map((field, index) => (index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host' ? authority : field));
}

/** What the server says before its answer. A client of HTTP/1.0 could not read it. */
function writeInterim(response: ServerResponse, status: number, headers: readonly string[]): void {
  if (response.headersSent || response.destroyed || response.req.httpVersion !== '1.1') return;
  if (status === 100) {
    if (response.req.headers.expect !== undefined) response.writeContinue();
    return;
  }
  const named: Record<string, string[]> = Object.create(null); // a server may call a field `constructor`
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string; // the index stays within the list
    named[name] = [...(named[name] ?? []), headers[index + 1] as string];
  }
  response.writeInformation?.(status, named); // Node 24 has none of it
}

const nothing: Buffer = Buffer.alloc(0);
