import type {InvocationTrace, RuntimeCall, Written, WrittenEvent} from '../../src/runtime.ts';
import {eventOf, writeRequest} from '../../src/workers/hop/text.ts';

/** An event with this body, as the event stage writes it. */
export const writtenEvent = (body: string | Buffer = '', form: WrittenEvent['form'] = 'text'): WrittenEvent => ({
  start: '{"event":{"path":"/é"',
  body: Buffer.from(body),
  form,
  context: ',"context":{"trace":',
  handler: ',"handlerPath":"/h","handlerName":"handle"',
});

/** A written event as a sub-runtime reads it that is called over HTTP. */
export const textOf = (event: Written, trace?: InvocationTrace): string => writeRequest(eventOf({event}), trace);

/** A call of that event, without a deadline unless one is given. */
export const runtimeCall = (some: Partial<RuntimeCall> = {}): RuntimeCall => ({
  invocationId: 'id-1',
  event: writtenEvent(),
  deadlineMs: 0,
  deadline: Number.MAX_SAFE_INTEGER,
  timeoutMs: 5000,
  signal: undefined,
  trace: undefined,
  ...some,
});
