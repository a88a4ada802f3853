import type {InformationEvent} from 'node:http';
import type {Fault} from '../../src/errors.ts';
import {tooManyInterim} from '../../src/hop/fault.ts';
import type {OpenRequest} from '../../src/passing.ts';
import {passFields} from './fields.ts';

/** Most interim answers (1xx): more are an attack or a mistake. */
const most = 1000;
/** What they may have in all: a caller that does not read makes us hold it. */
const mostBytes = 256 * 2 ** 10;

/** Makes the function that passes on what the server says before its answer. */
export function passInterim(open: OpenRequest | undefined, refuse: (fault: Fault) => void) {
  let count = 0;
  let bytes = 0;
  return ({statusCode, rawHeaders}: InformationEvent): void => {
    for (const text of rawHeaders) bytes += text.length;
    if (++count > most || bytes > mostBytes) {
      refuse(tooManyInterim());
      return;
    }
    const headers: string[] = [];
    passFields(rawHeaders, (name, value, lower) => {
      if (lower !== 'content-length') headers.push(name, value); // RFC 9110 §8.6
    });
    open?.interim(statusCode, headers);
  };
}
