import type {InvocationResult} from '../../src/delivery.ts';
import {asFault} from '../../src/errors.ts';
import type {Invocation} from '../../src/invocation.ts';
import type {Meter} from '../../src/meter.ts';
import type {StreamEnd, StreamedBody} from '../../src/streamed-body.ts';

/** So much of the beginning of a streamed body is kept, where replies are kept. */
const keptBytes = 64 * 2 ** 10;

export interface StreamParts {
  readonly meter: Pick<Meter, 'streamBegan' | 'streamEnded'>;
  /** What the journal keeps of an invocation. */
  readonly journalHttp: 'off' | 'facts' | 'full';
}

/**
Replies with a body that is made piece by piece, and waits until it has ended, for whatever reason.

@param shape makes the head of it
@throws Fault HANDLER_FAILED, UPSTREAM_*, CALLER_LEFT when it broke off behind its head; what `shape` throws
*/
export async function replyStreamed(
  invocation: Invocation,
  stream: StreamedBody,
  shape: () => InvocationResult,
  {meter, journalHttp}: StreamParts,
): Promise<void> {
  const result = {...shapeOrGiveUp(stream, shape), body: '', stream};
  if (journalHttp === 'full') stream.keep(keptBytes);
  meter.streamBegan();
  invocation.delivery.reply(result);
  invocation.result = result;
  const {fault, bytes, kept} = await stream.ended;
  meter.streamEnded(outcomeOf(fault));
  invocation.streamedBytes = bytes;
  // A client ends an event stream by leaving: that is no failure of the function.
  invocation.result = {...result, body: kept, ...(fault && fault.code !== 'CALLER_LEFT' && {fault})};
  if (fault) throw fault;
}

function shapeOrGiveUp(stream: StreamedBody, shape: () => InvocationResult): InvocationResult {
  try {
    return shape();
  } catch (error) {
    stream.giveUp(asFault(error)); // it has no head, so nobody gets it
    throw error;
  }
}

function outcomeOf(fault: StreamEnd['fault']): Parameters<Meter['streamEnded']>[0] {
  if (!fault) return 'ended';
  if (fault.code === 'CALLER_LEFT') return 'left';
  return fault.code === 'UPSTREAM_TIMEOUT' ? 'expired' : 'failed';
}
