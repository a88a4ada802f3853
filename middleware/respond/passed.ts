import type {InvocationResult} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Invocation} from '../../src/invocation.ts';
import type {PassedReply} from '../../src/passing.ts';
import {executedResult} from './executed.ts';
import {replyStreamed, type StreamParts} from './streamed.ts';

/** Replies with the answer of a server as it came. Where only the outcome is wanted, anything but a success (2xx) is a failure. */
export function replyPassed(invocation: Invocation, reply: PassedReply, parts: StreamParts): Promise<void> | undefined {
  const {id, input, delivery} = invocation;
  const {status, reason, body, stream, trailers} = reply;
  const isWanted = input?.reply === 'http';
  if (!isWanted && (status < 200 || status > 299)) throw new Fault('HANDLER_FAILED', {message: `The server answered ${status} ${reason}`});
  const result: InvocationResult = isWanted
    ? {status, headers: [...reply.passed, 'Core-Invocation-Id', id], body, passed: {reason, trailers}}
    : executedResult(id);
  if (stream) return replyStreamed(invocation, stream, () => result, parts);
  delivery.reply(result);
  invocation.result = result;
  return undefined;
}
