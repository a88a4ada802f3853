import type {Protocol} from '../../src/protocol.ts';

/** The platform's, but for the body of a request, which the function reads as it comes. Our bridges know by the variable that it does. */
export const stream = {
  body: 'open',
  environment: () => ({CORE_REQUEST_BODY: 'stream'}),
} satisfies Protocol;
