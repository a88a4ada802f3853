import type {Agent, IncomingMessage, ServerResponse} from 'node:http';
import {hopByHop} from '../../http/hop-by-hop.ts';
import {nodeHttp} from '../../http/node-http.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** Path and query that the function sees. */
  readonly target: string;
  readonly agent: Agent;
}

/**
Passes a request on to a core and its reply back, both while they come. The core sees the request as it was sent: fields in
their order and spelling, the body byte for byte. Only fields that end at a hop are left out.

@param refuse answers when the core cannot be reached; nothing has been answered then
*/
export function forward(request: IncomingMessage, response: ServerResponse, to: Destination, refuse: (reason: string) => void): void {
  const {host, port, target, agent} = to;
  const onward = nodeHttp.request({host, port, agent, path: target, method: request.method ?? 'GET', headers: fieldsOnward(request)});
  let isAnswered = false;

  onward.on('response', reply => {
    isAnswered = true;
    response.sendDate = false; // the core has said it
    response.writeHead(reply.statusCode ?? 502, reply.statusMessage, [...endToEnd(reply)]);
    reply.pipe(response);
    // Half a reply must not look like a whole one.
    reply.once('error', () => response.destroy());
  });
  onward.once('error', error => {
    if (!isAnswered && !response.headersSent && !response.destroyed) refuse(error.message);
  });
  // The core may answer before it has all of the body. The rest is read and dropped, so that the caller gets to read the answer.
  onward.once('close', () => {
    request.unpipe(onward);
    request.resume();
  });
  response.once('close', () => {
    if (!response.writableFinished) onward.destroy(); // the caller has left
  });
  request.pipe(onward);
}

/** As `http.request` takes them in an array: name, value, name, value. */
function fieldsOnward(request: IncomingMessage): string[] {
  const fields = [...endToEnd(request)];
  const {host, 'transfer-encoding': coding} = request.headers;
  // HTTP/1.0 has no Host; the core is asked over HTTP/1.1, which refuses a request without.
  if (host === undefined && request.httpVersion === '1.0') fields.push('Host', 'localhost');
  // As it was given: of a body in another coding than chunked, the core says that it does not serve it.
  if (coding !== undefined) fields.push('Transfer-Encoding', coding);
  return fields;
}

/** The fields that do not end at this hop (RFC 9110 §7.6.1): those that `Connection` names do, too. */
function* endToEnd({rawHeaders, headers}: IncomingMessage): Generator<string> {
  const named = new Set((headers.connection ?? '').split(',').map(name => name.trim().toLowerCase()));
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const key = name.toLowerCase();
    if (hopByHop.has(key) || (named.has(key) && !framing.has(key))) continue;
    yield name;
    yield rawHeaders[index + 1] ?? '';
  }
}

/** A message without them would end somewhere else. */
const framing = new Set(['content-length', 'host']);
