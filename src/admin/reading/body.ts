import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Budget} from '../../limits/budget.ts';
import {Refusal} from '../../route.ts';

/**
Reads the body of a request, which is charged to the budget until the answer has left.

@throws Refusal BODY_TOO_LARGE, Fault INFLIGHT_FULL
*/
export async function readBody(request: IncomingMessage, response: ServerResponse, budget: Budget, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const hold = budget.open('body');
  response.once('close', () => hold.release());
  // Leaving the loop must not close the connection: the answer still has to leave by it.
  for await (const chunk of request.iterator({destroyOnReturn: false})) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Refusal('BODY_TOO_LARGE', `expected at most ${mostBytes} bytes`);
    const fault = hold.grow(bytes);
    if (fault) throw fault;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
