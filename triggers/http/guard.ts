import type {IncomingMessage} from 'node:http';
import {Fault} from '../../src/errors.ts';
import {malformed} from './malformed.ts';

export const mostFields = 2000;

/** What is wrong with the head of a request that Node's parser let pass; undefined when nothing is. */
export function guardHead({rawHeaders, httpVersion}: IncomingMessage): Fault | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return new Fault('VERSION_UNSUPPORTED');
  if (rawHeaders.length > 2 * mostFields) return new Fault('HEAD_TOO_LARGE');
  let hosts = 0;
  let lengths = 0;
  let coding: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string; // the loop stays inside
    // Most fields are told apart by their length alone.
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths++;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== undefined) return malformed('Transfer-Encoding is given twice');
      coding = rawHeaders[index + 1];
    }
  }
  if (hosts > 1) return malformed('Host is given twice');
  if (hosts === 0 && httpVersion === '1.1') return malformed('Host is missing');
  if (lengths > 1) return malformed('Content-Length is given twice');
  if (coding === undefined) return undefined;
  if (coding.toLowerCase() !== 'chunked') return malformed('the only Transfer-Encoding served is chunked');
  if (lengths > 0) return malformed('Transfer-Encoding and Content-Length are both given');
  if (httpVersion === '1.0') return malformed('HTTP/1.0 knows no Transfer-Encoding');
  return undefined;
}

/** The fault behind an error of Node's parser, before there is a request to answer. */
export function parserFault({code, reason}: NodeJS.ErrnoException & {reason?: string}): Fault {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Fault('REQUEST_TIMEOUT');
    case 'HPE_HEADER_OVERFLOW':
      return new Fault('HEAD_TOO_LARGE');
    case 'HPE_PAUSED_H2_UPGRADE':
    case 'HPE_INVALID_VERSION':
      return new Fault('VERSION_UNSUPPORTED');
    default:
      return malformed(reason ?? 'this is not HTTP');
  }
}
