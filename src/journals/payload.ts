import {createHash} from 'node:crypto';
import type {InvocationResult, RequestInput} from '../delivery.ts';
import type {FunctionLine} from '../log.ts';

/*
What is kept of a request and of its reply so that it can be run again: a line of JSON, a newline, and the body as it
was. Secrets are taken out before anything is kept.
*/

/** The request as it came, without the secrets. */
export type RecordedRequest = Omit<RequestInput, 'holder'>;

/** The line before the body. Its other members are those of the request's context. */
type RecordedHead = Omit<RecordedRequest, 'shape' | 'reply' | 'body' | 'context'> & Partial<Pick<RecordedRequest, 'reply'>>;

export interface RecordedReply {
  readonly status: number;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Fields of which only name and hash are kept, with any settings. */
const alwaysRedacted = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'scw-functions-token',
  'scw_functions_token',
];
const redactedMark = 'redacted:sha256:';

export type Redact = (headers: readonly string[]) => string[];

/** @param more further names, separated by commas */
export function redactor(more: string): Redact {
  const named = more.split(',').map(name => name.trim().toLowerCase());
  const names = new Set([...alwaysRedacted, ...named.filter(name => name !== '')]);
  return headers =>
    headers.map((field, index) => (index % 2 === 1 && names.has(headers[index - 1]?.toLowerCase() ?? '') ? redacted(field) : field));
}

/** True for a value that was taken out. Equal values have the same hash. */
export const isRedacted = (value: string) => value.startsWith(redactedMark);

/** What is kept of a secret. */
export const redacted = (value: string) => redactedMark + createHash('sha256').update(value).digest('hex').slice(0, 16);

export function writeRequest(request: RecordedRequest, redact: Redact): Buffer {
  const {eventType, reply, method, path, query, target, headers, sourceIp, context, body} = request;
  const head = {
    eventType,
    method,
    path,
    query,
    target,
    headers: redact(headers),
    sourceIp,
    ...(reply !== usualReply(eventType) && {reply}),
  };
  return joined({...head, ...context}, body);
}

const usualReply = (eventType: string) => (eventType === 'http' ? 'http' : 'outcome');

export function writeReply(result: InvocationResult, redact: Redact): Buffer {
  const {status, body} = result;
  return joined({status, headers: redact(headersToKeep(result))}, typeof body === 'string' ? Buffer.from(body) : body);
}

/** Those of a reply. A server's answer says how it was framed, too: that is left out, as whoever sends it again frames it anew. */
export function headersToKeep({headers, passed}: InvocationResult): readonly string[] {
  if (!passed) return headers;
  return headers.filter((_, index) => !/^(content-length|trailer)$/i.test(headers[index - (index % 2)] ?? ''));
}

/** @throws SyntaxError for bytes that `writeRequest` did not write */
export function readRequest(bytes: Uint8Array): RecordedRequest {
  const {head, body} = divided(bytes);
  const {eventType, reply = usualReply(eventType), method, path, query, target, headers, sourceIp, ...context} = head as RecordedHead;
  const isMore = Object.keys(context).length > 0;
  const known = {eventType, reply, method, path, query, headers, sourceIp};
  return {shape: 'request', ...known, ...(target !== undefined && {target}), ...(isMore && {context}), body};
}

/** @throws SyntaxError for bytes that `writeReply` did not write */
export function readReply(bytes: Uint8Array): RecordedReply {
  const {head, body} = divided(bytes);
  return {...(head as Omit<RecordedReply, 'body'>), body}; // writeReply wrote it
}

/** A line that the function wrote, or an error that it threw, during one invocation. `at` is wall time in milliseconds since 1970. */
export interface LoggedLine extends Pick<FunctionLine, 'stream' | 'line' | 'level' | 'stack'> {
  readonly at: number;
}

/** What is kept of what the function wrote. `dropped` counts lines for which there was no room. */
export interface RecordedLog {
  readonly lines: readonly LoggedLine[];
  readonly dropped: number;
}

export const writeLog = (log: RecordedLog): Buffer => Buffer.from(JSON.stringify(log));

/** @throws SyntaxError for bytes that `writeLog` did not write */
export const readLog = (bytes: Uint8Array): RecordedLog => JSON.parse(Buffer.from(bytes).toString()) as RecordedLog;

const joined = (head: object, body: Buffer) => Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);

function divided(bytes: Uint8Array): {head: unknown; body: Buffer} {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const newline = all.indexOf(10);
  return {head: JSON.parse(all.toString('utf8', 0, newline)), body: all.subarray(newline + 1)};
}
