import type {Protocol} from '../../src/protocol.ts';
import {addressNames} from './environment.ts';
import {PassingHop} from './hop.ts';
import {passedRequest} from './request.ts';

/** Plain HTTP: the sub-runtime is any HTTP server, and each request is passed through to it, as is its answer. */
export const http = {
  body: 'open',
  concurrency: 1000,
  environment: addressNames,
  write: passedRequest,
  openHop: (options, clock) => new PassingHop(options, clock),
} satisfies Protocol;
