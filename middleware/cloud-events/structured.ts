import type {RequestInput} from '../../src/delivery.ts';
import {sliceMember} from '../respond/slice.ts';
import {checkRequired, type EventName, encoded, invalid} from './attributes.ts';

/** An event in the form of the binary mode: what stays of its request, with the attributes as headers and the data as the body. */
export interface Unpacked extends EventName {
  readonly request: RequestInput;
}

/**
Unpacks an event in the JSON format.

@param json the text of `event`; data is taken from it as it stands
@param where the words that name the event in a message
@throws Fault REQUEST_MALFORMED
*/
export function unpack(request: RequestInput, event: unknown, json: string, where?: string): Unpacked {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw invalid('expected a JSON object', where);
  const members = new Map(Object.entries(event).filter(([, value]) => value !== null));
  const name = checkRequired(Object.fromEntries(members), where);
  const type = members.get('datacontenttype');
  if (type !== undefined && (typeof type !== 'string' || !/^[\x20-\x7e]+$/.test(type)))
    throw invalid('expected `datacontenttype` to be a media type', where);
  const body = dataOf(members, type, json, where);
  const contentType = type ?? (members.has('data') ? 'application/json' : undefined);
  const headers = withoutEvent(request.headers);
  if (contentType !== undefined) headers.push('Content-Type', contentType);
  for (const [attribute, value] of members)
    if (!notHeaders.has(attribute)) headers.push(`ce-${attribute}`, textOf(attribute, value, where));
  return {...name, request: {...request, headers, body}};
}

const notHeaders = new Set(['data', 'data_base64', 'datacontenttype']);

/** What describes the event as it was packed. */
function withoutEvent(headers: readonly string[]): string[] {
  return headers.filter((_, at) => !/^(?:content-(?:type|length|encoding)|ce-.*)$/i.test(headers[at - (at % 2)] ?? ''));
}

function textOf(attribute: string, value: unknown, where: string | undefined): string {
  if (!/^[a-z0-9]{1,100}$/.test(attribute)) throw invalid('expected the names of attributes to be lower-case letters and digits', where);
  if (typeof value === 'string') return encoded(value);
  if (typeof value === 'boolean' || Number.isInteger(value)) return String(value);
  throw invalid(`expected \`${attribute}\` to be a text, an integer, true or false`, where);
}

function dataOf(members: ReadonlyMap<string, unknown>, type: string | undefined, json: string, where: string | undefined): Buffer {
  const bytes = members.get('data_base64');
  const data = members.get('data');
  if (bytes !== undefined) {
    if (data !== undefined) throw invalid('`data` and `data_base64` exclude each other', where);
    if (typeof bytes !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(bytes) || bytes.length % 4 !== 0)
      throw invalid('expected `data_base64` to be base64', where);
    return Buffer.from(bytes, 'base64');
  }
  if (data === undefined) return Buffer.alloc(0);
  if (typeof data === 'string' && !isJson(type)) return Buffer.from(data);
  return Buffer.from(sliceMember(json, 'data') ?? ''); // numbers of any size arrive as they were sent
}

/** JSON format §3.1: without a type data is JSON. */
const isJson = (type = 'application/json') => /^[^;]*[/+]json *(?:;|$)/i.test(type);
