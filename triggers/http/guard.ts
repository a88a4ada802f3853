import type {IncomingMessage} from 'node:http';
import {Fault} from '../../src/errors.ts';
import {nodeHttp} from '../../src/http/node-http.ts';

export const mostFields = 2000;

/** The client's fault: what it sent is not a request. */
export function malformed(how: string): Fault {
  return new Fault('REQUEST_MALFORMED', {message: `Bad request: ${how}`});
}

/** Node's parser also accepts the requests of RTSP and of Icecast, which has the method SOURCE. */
const methods = new Set(nodeHttp.METHODS.filter(method => method !== 'SOURCE'));

/** What is wrong with the head of a request that Node's parser accepted; undefined when nothing is wrong. */
export function guardHead({rawHeaders, httpVersion, method = ''}: IncomingMessage): Fault | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return new Fault('VERSION_UNSUPPORTED');
  if (!methods.has(method)) return malformed('the method is not one of HTTP’s');
  if (rawHeaders.length > 2 * mostFields) return new Fault('HEAD_TOO_LARGE');
  let hosts = 0;
  let host = '';
  let lengths = 0;
  let coding: string | undefined;
  let expectation: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string; // the loop stays inside
    // The length alone rules out most fields.
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts++;
      host = rawHeaders[index + 1] as string;
    } else if (name.length === 6 && name.toLowerCase() === 'expect') expectation = withListed(expectation, rawHeaders[index + 1] as string);
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths++;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== undefined) return malformed('Transfer-Encoding is given twice');
      coding = rawHeaders[index + 1];
    }
  }
  if (hosts > 1) return malformed('Host is given twice');
  if (!isHost(host)) return malformed('Host is not a host and port');
  if (hosts === 0 && httpVersion === '1.1') return malformed('Host is missing');
  if (lengths > 1) return malformed('Content-Length is given twice');
  if (expectation !== undefined && httpVersion === '1.1' && !isContinue(expectation)) return new Fault('EXPECTATION_UNKNOWN');
  if (coding === undefined) return undefined;
  if (coding.toLowerCase() !== 'chunked') return malformed('the only Transfer-Encoding served is chunked');
  if (lengths > 0) return malformed('Transfer-Encoding and Content-Length are both given');
  if (httpVersion === '1.0') return malformed('HTTP/1.0 knows no Transfer-Encoding');
  return undefined;
}

/** RFC 3986 §3.2: a name or an IPv4 address, an IPv6 address in brackets, or nothing; then perhaps a port. */
const hostForm = /^(?:[\w\-.~!$&'()*+,;=%]*|\[[\w\-:.%]+\])(?::\d*)?$/;

export const isHost = (text: string) => hostForm.test(text);

const withListed = (list: string | undefined, value: string) => (list === undefined ? value : `${list},${value}`);

/** Node accepts a list in which the word occurs. Here every expectation has to be that word. */
const isContinue = (list: string) => list.split(',').every(each => each.trim().toLowerCase() === '100-continue');

/** The fault for an error of Node's parser, which comes before there is a request; undefined for an error of the connection. */
export function parserFault({code = '', reason}: NodeJS.ErrnoException & {reason?: string}): Fault | undefined {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Fault('REQUEST_TIMEOUT');
    case 'HPE_HEADER_OVERFLOW':
      return new Fault('HEAD_TOO_LARGE');
    case 'HPE_PAUSED_H2_UPGRADE':
      return new Fault('VERSION_UNSUPPORTED');
    case 'HPE_INVALID_VERSION':
      return reason === 'Expected CRLF after version'
        ? malformed('the request line does not end in CRLF')
        : new Fault('VERSION_UNSUPPORTED');
    case 'HPE_CLOSED_CONNECTION': // more bytes after a request that was to be the last
      return undefined;
    default:
      return code.startsWith('HPE_') ? malformed(reason ?? 'this is not HTTP') : undefined;
  }
}
