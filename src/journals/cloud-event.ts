import {isoStamp} from '../clock.ts';
import {isTime, isWord, problemOfFact, short} from '../fact-members.ts';
import type {Fact, FactType} from '../facts.ts';
import type {Payload, Recorded} from '../journal.ts';
import {keyType, readKey, readWork, workType} from '../work/cloud-event.ts';
import type {UsedKey, WorkState} from '../work.ts';

/*
Facts outside of a journal: CloudEvents 1.0 in JSON, one per line. A payload is an event, too, before the fact that refers
to it.

@see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
*/

const source = 'core-runtime';
const payloadType = 'payload.kept';
/** The form of every type in the catalogue, also in a later version. */
const factType = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;

export function factEvent({stream, position, at, fact: {type, data}}: Recorded) {
  return {
    specversion: '1.0',
    id: `${stream}/${position}`,
    source,
    type,
    subject: stream,
    time: isoStamp(at),
    ...('traceparent' in data && data.traceparent !== undefined && {traceparent: data.traceparent}),
    ...('dataref' in data && data.dataref !== undefined && {dataref: data.dataref}),
    datacontenttype: 'application/json',
    data,
  };
}

export function payloadEvent({name, bytes}: Payload) {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return {specversion: '1.0', id: name, source, type: payloadType, datacontenttype: 'application/octet-stream', data_base64: data};
}

export type Travelled =
  | {readonly payload: Payload}
  | {readonly work: WorkState}
  | {readonly key: UsedKey}
  | {readonly stream: string; readonly at: number; readonly fact: Fact};

/** @throws TypeError that says what is wrong with the line */
export function readEvent(line: string): Travelled {
  const {specversion, id, type, subject, time, data, data_base64: bytes} = Object(parse(line));
  if (specversion !== '1.0') throw refusal('a CloudEvent 1.0', specversion);
  if (!isWord(id)) throw refusal('id to be a line of text without control characters', id);
  if (typeof type !== 'string' || !factType.test(type)) throw refusal('a type such as invocation.settled', type);
  if (type === payloadType) {
    if (typeof bytes !== 'string' || !base64.test(bytes)) throw refusal('a payload to have data_base64', bytes);
    return {payload: {name: id, bytes: Buffer.from(bytes, 'base64')}};
  }
  if (!isWord(subject)) throw refusal('subject to be the name of a stream', subject);
  if (typeof time !== 'string' || !isTime(time)) throw refusal('time to be such as 2026-01-01T12:00:00Z', time);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw refusal('data to be an object', data);
  if (type === workType) return {work: readWork(data)};
  if (type === keyType) return {key: readKey(data)};
  const problem = problemOfFact(type, data);
  if (problem !== undefined) throw new TypeError(problem);
  // The catalogue only grows, so a type that this version does not know is kept as it is.
  return {stream: subject, at: Date.parse(time), fact: {type: type as FactType, data} as Fact};
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const refusal = (rule: string, got: unknown) => new TypeError(`expected ${rule}, got ${short(got)}`);

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw refusal('a CloudEvent as JSON', line);
  }
}
