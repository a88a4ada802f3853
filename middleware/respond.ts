import type {InvocationResult} from '../src/delivery.ts';
import {Fault} from '../src/errors.ts';
import {defaultHeaders} from '../src/http/answer.ts';
import type {Invocation} from '../src/invocation.ts';
import type {EventReply} from '../src/runtime.ts';
import type {Stage} from '../src/stage.ts';
import {readShape, type Shape} from './respond/envelope.ts';
import {executedResult} from './respond/executed.ts';
import {replyPassed} from './respond/passed.ts';
import {type FunctionResult, readResult} from './respond/result.ts';
import {sniffContentType} from './respond/sniff.ts';
import {replyStreamed, type StreamParts} from './respond/streamed.ts';

export interface RespondParts extends StreamParts {
  /** The largest body of a reply, as the caller gets it. */
  readonly responseMaxBytes: number;
}

/** Shapes what the function returned into the answer that its trigger wants, and replies. */
export function respond(parts: RespondParts): Stage {
  return function respond(ctx, next) {
    const streamed = answer(ctx.state, parts);
    return streamed ? streamed.then(next) : next();
  };
}

/** @returns a promise that resolves when the body has ended; undefined when it is no stream */
function answer(invocation: Invocation, parts: RespondParts): Promise<void> | undefined {
  const {id, input, reply, delivery} = invocation;
  const {responseMaxBytes} = parts;
  if (!reply) throw new TypeError('Expected the invoke stage to have set the reply');
  if ('passed' in reply) return replyPassed(invocation, reply, parts);
  if (reply.stream) return replyStreamed(invocation, reply.stream, () => httpResult(readResult(reply), id, responseMaxBytes, true), parts);
  const returned = readResult(reply);
  const result = input?.reply === 'http' ? httpResult(returned, id, responseMaxBytes) : executedResult(id);
  delivery.reply(result);
  invocation.result = result;
  return undefined;
}

/** Reads a sub-runtime's reply as the answer to an HTTP request. For tests and for comparing replies. */
export function shapeReply(reply: EventReply, id: string, maxBytes: number): InvocationResult {
  return httpResult(readResult(reply), id, maxBytes);
}

/** @param isStreamed more of the body follows */
function httpResult(returned: FunctionResult, id: string, maxBytes: number, isStreamed = false): InvocationResult {
  const {status, headers, body, kind, declaredLength} = shapeOf(returned);
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (bytes > maxBytes && !isStreamed) {
    throw new Fault('RESULT_INVALID', {
      message: `The function returned a body of ${bytes} bytes, max response size = ${maxBytes} bytes`,
    });
  }
  const fields = [...headers];
  const given = headers.length === 0 ? noNames : namesIn(headers);
  // The first bytes of a coded body tell the coding and not the type.
  const isTyped = given.has('content-type') || given.has('content-encoding');
  if ((bytes > 0 || isStreamed) && !bodyless.has(status) && !isTyped) fields.push('Content-Type', defaultContentType(body, kind));
  for (const {key, name, value} of defaults) if (!given.has(key)) fields.push(name, value);
  fields.push('Core-Invocation-Id', id);
  return declaredLength === undefined ? {status, headers: fields, body} : {status, headers: fields, body, declaredLength};
}

/** Answers without a body. Headers that describe one would be applied to the body that a cache has. */
const bodyless: ReadonlySet<number> = new Set([204, 205, 304]);

const defaults = Object.entries(defaultHeaders).map(([name, value]) => ({key: name.toLowerCase(), name, value}));

const noNames: ReadonlySet<string> = new Set();

/** In lower case. */
function namesIn(headers: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) names.add((headers[index] as string).toLowerCase());
  return names;
}

function shapeOf(returned: FunctionResult): Shape {
  switch (returned.kind) {
    case 'none':
      return {status: 200, headers: [], body: '', kind: 'text'};
    case 'json':
      return readShape(returned.value, returned.json, returned.content);
    default:
      return {status: 200, headers: [], body: returned.body, kind: returned.kind};
  }
}

function defaultContentType(body: string | Buffer, kind: Shape['kind']): string {
  if (kind === 'json') return 'application/json';
  const head = typeof body === 'string' ? Buffer.from(body.slice(0, 512)) : body;
  return sniffContentType(head) ?? (kind === 'text' ? 'text/plain; charset=utf-8' : 'application/octet-stream');
}
