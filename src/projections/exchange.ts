import {isUtf8} from 'node:buffer';
import type {RecordedReply, RecordedRequest} from '../journals/payload.ts';

/** Most bytes of a body that are shown; programs that want all of it read the journal. */
const mostShown = 2 ** 16;

export interface PlainBody {
  readonly bytes: number;
  /** Absent when there is none. */
  readonly body?: string;
  /** How `body` stands for the bytes; text when it is UTF-8. */
  readonly encoding?: 'text' | 'base64';
  /** The body goes on. */
  readonly cut?: true;
}

/** A recorded request for machines and people, without its secrets: they were taken out when it was recorded. */
export function plainRequest({method, path, query, headers, sourceIp, body}: RecordedRequest) {
  return {method, path, query, headers: pairs(headers), sourceIp, ...plainBody(body)};
}

/** A recorded reply, likewise. */
export function plainReply({status, headers, body}: RecordedReply) {
  return {status, headers: pairs(headers), ...plainBody(body)};
}

function plainBody(body: Buffer): PlainBody {
  if (body.length === 0) return {bytes: 0};
  const shown = body.subarray(0, mostShown);
  const isText = isUtf8(body);
  return {
    bytes: body.length,
    // A stream keeps back the first bytes of a character that was cut.
    body: isText ? new TextDecoder().decode(shown, {stream: true}) : shown.toString('base64'),
    encoding: isText ? 'text' : 'base64',
    ...(shown.length < body.length && {cut: true}),
  };
}

function pairs(fields: readonly string[]): [name: string, value: string][] {
  return Array.from({length: fields.length / 2}, (_, index) => [fields[2 * index] ?? '', fields[2 * index + 1] ?? '']);
}
