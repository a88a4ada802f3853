import {eventWriter} from '../../middleware/event/write.ts';
import type {RequestInput} from '../delivery.ts';
import {writeRequest} from '../workers/hop/text.ts';

/** What the conformance function is asked to do, as the text of the event's body; bytes come back as they are. */
export type Script = Readonly<Record<string, unknown>> | Buffer;

/** Writes a call as the core does, for a request that carries the script. */
export function writeCall(
  script: Script,
  handler: {readonly handlerPath: string; readonly handlerName: string},
  {query = 'q=first&q=last', ...call}: {readonly id: string; readonly deadlineMs: number; readonly query?: string | undefined},
): string {
  const write = eventWriter({...handler, functionName: 'conform', functionVersion: '1', memoryMb: 128, base64: 'exact'});
  const input: RequestInput = {
    shape: 'request',
    eventType: 'http',
    reply: 'http',
    method: 'POST',
    path: '/conform',
    query,
    headers: ['Host', 'localhost', 'X-Conform', 'yes'],
    body: Buffer.isBuffer(script) ? script : Buffer.from(JSON.stringify(script)),
    sourceIp: '127.0.0.1',
  };
  return writeRequest(write(input, {...call, credential: undefined}), undefined);
}
