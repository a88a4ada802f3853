import type {InvocationTrace, WrittenEvent} from '../../src/runtime.ts';
import {writeRequest} from '../../src/workers/hop/text.ts';

/** An event with this body, as the event stage writes it. */
export const writtenEvent = (body: string | Buffer = '', form: WrittenEvent['form'] = 'text'): WrittenEvent => ({
  start: '{"event":{"path":"/é"',
  body: Buffer.from(body),
  form,
  context: ',"context":{"trace":',
  handler: ',"handlerPath":"/h","handlerName":"handle"',
});

/** A written event as a sub-runtime reads it that is called over HTTP. */
export const textOf = (event: WrittenEvent, trace?: InvocationTrace): string => writeRequest(event, trace);
