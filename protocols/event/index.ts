import type {Protocol} from '../../src/protocol.ts';

/** The platform's: the function gets each delivery as an event in JSON, and returns what the answer is made of. */
export const event = {
  body: 'whole',
  environment: () => ({}),
} satisfies Protocol;
