import {catalogue, Fault} from '../errors.ts';
import {NotSent} from '../runtime.ts';

/** The host refuses a connection, as it has no descriptor, port or memory left. connect(2), socket(2) */
const hostRefusals = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'EADDRNOTAVAIL']);

/** What an error of the hop means: whether the call was sent, and whether the sub-runtime went away or broke the protocol. */
export function judged(error: Error & {code?: string; syscall?: string}): Fault | NotSent {
  if (error instanceof Fault) return error;
  // undici gives a switch of protocols, or 100 Continue, the code of a connection that broke off.
  if (/^bad (upgrade|response)$/.test(error.message)) return protocolFault(error);
  if (error.syscall === 'connect' && hostRefusals.has(error.code ?? '')) return new NotSent(error.message, {cause: error, byHost: true});
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new NotSent(error.message, {cause: error});
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_ABORTED':
      return new Fault('UPSTREAM_LOST', {cause: error});
    default:
      return protocolFault(error);
  }
}

/** Whether a connection ended because bytes came that belong to no request, or are no HTTP. */
export const isStray = ({message, code = ''}: Error & {code?: string}) => message === 'bad response' || code.startsWith('HPE_');

export const protocolBroken = (how: string) => new Fault('UPSTREAM_PROTOCOL', {message: `The sub-runtime broke the protocol: ${how}`});

/** The function failed in the middle of its reply. */
export const handlerFailed = (message: string) => new Fault('HANDLER_FAILED', {message: catalogue.HANDLER_FAILED.text + message.trimEnd()});

function protocolFault(cause: Error): Fault {
  return new Fault('UPSTREAM_PROTOCOL', {cause, message: `The sub-runtime broke the protocol: ${cause.message.replaceAll(/\s+/g, ' ')}`});
}

export const notInTime = (timeoutMs: number) =>
  new Fault('UPSTREAM_TIMEOUT', {message: `The function did not answer within ${timeoutMs} ms`});

export const tooLarge = () => new Fault('UPSTREAM_PROTOCOL', {message: 'The sub-runtime sent a larger reply than any limit allows'});

export const notOfTheCall = () =>
  new Fault('UPSTREAM_PROTOCOL', {
    message: 'The sub-runtime sent a reply that may be another call’s: its Core-Invocation-Id is not the call’s',
  });

export const tooManyInterim = () => new Fault('UPSTREAM_PROTOCOL', {message: 'The sub-runtime sent interim answers without end'});

/** With another coding than `chunked`, a body that was cut off looks like a whole one. RFC 9112 §6.3 */
export const wrongCoding = (coding: string) =>
  new Fault('UPSTREAM_PROTOCOL', {
    message: `The sub-runtime sent a transfer coding other than chunked: ${JSON.stringify(coding.slice(0, 100))}`,
  });
