import {isoStamp} from './clock.ts';
import type {Fact, FactType} from './facts.ts';
import type {Payload, Recorded} from './journal.ts';

/*
Facts as they travel: CloudEvents 1.0 in the JSON format, one to a line. A payload is an event too, before the fact
that refers to it.

@see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
*/

const source = 'core-runtime';
const payloadType = 'payload.kept';
/** How every type of the catalogue is written, also of a later version. */
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

export type Travelled = {readonly payload: Payload} | {readonly stream: string; readonly at: number; readonly fact: Fact};

/** @throws TypeError that says what the line lacks */
export function readEvent(line: string): Travelled {
  const event: unknown = JSON.parse(line);
  const {specversion, id, type, subject, time, data, data_base64: bytes} = Object(event);
  if (specversion !== '1.0' || typeof id !== 'string' || typeof type !== 'string') {
    throw new TypeError('Expected a CloudEvent 1.0 with specversion, id and type');
  }
  if (type === payloadType) {
    if (typeof bytes !== 'string') throw new TypeError('Expected a payload to have data_base64');
    return {payload: {name: id, bytes: Buffer.from(bytes, 'base64')}};
  }
  const at = Date.parse(time);
  if (typeof subject !== 'string' || subject === '' || Number.isNaN(at) || typeof data !== 'object' || data === null) {
    throw new TypeError('Expected a fact to have subject, time and data');
  }
  if (!factType.test(type)) throw new TypeError(`Expected a type such as invocation.settled, got \`${type}\``);
  // The catalogue only grows: a type that this version does not know is kept as it is.
  return {stream: subject, at, fact: {type: type as FactType, data} as Fact};
}
