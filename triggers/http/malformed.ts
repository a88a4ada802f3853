import {Fault} from '../../src/errors.ts';

/** The client's fault: what it sent is no request. */
export function malformed(how: string): Fault {
  return new Fault('REQUEST_MALFORMED', {message: `Bad request: ${how}`});
}
