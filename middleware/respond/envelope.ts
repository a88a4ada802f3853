import type {ChannelReply} from '../../src/runtime.ts';
import {addCookies, invalid, readDeclaredLength, readHeaders} from './headers.ts';
import {textOf} from './result.ts';
import {sliceMember} from './slice.ts';

/** What is to be sent, before defaults. `json` is text that is an object or array, for the default content type. */
export interface Shape {
  readonly status: number;
  /** Name, value, name, value … valid, without framing. */
  readonly headers: string[];
  readonly body: string | Buffer;
  readonly kind: 'json' | 'text' | 'bytes';
  /** The Content-Length that the function gave, in digits. */
  readonly declaredLength?: string | undefined;
}

type RawContent = NonNullable<ChannelReply['content']>;

type JsonObject = Readonly<Record<string, unknown>>;

/** The members that make an object an envelope; one that is null counts as absent. */
const members = ['statusCode', 'body', 'headers', 'isBase64Encoded'];

/**
Reads what the handler returned: an envelope, or a value that is itself the body.

@param json the exact text of `value`; parts of it are sent as they stand
@param content the member `body` of an envelope whose JSON came without it
@throws Fault RESULT_INVALID that names what HTTP cannot carry
*/
export function readShape(value: unknown, json: string, content?: RawContent): Shape {
  if (!isObject(value) || (!content && !members.some(member => own(value, member) !== null)))
    return {status: 200, headers: [], ...shapeBody(value, json)};
  const status = readStatus(own(value, 'statusCode'));
  const headers = readHeaders(own(value, 'headers'), own(value, 'multiValueHeaders'), json);
  addCookies(headers, own(value, 'cookies'));
  const declaredLength = readDeclaredLength(own(value, 'headers'), own(value, 'multiValueHeaders'));
  if (content) return {status, headers, declaredLength, ...shapeContent(content, own(value, 'isBase64Encoded'))};
  const body = own(value, 'body');
  if (isTrue(own(value, 'isBase64Encoded'))) return {status, headers, body: decodeBase64(body), kind: 'bytes', declaredLength};
  const isText = typeof body === 'string' || body === null;
  return {status, headers, declaredLength, ...shapeBody(body, isText ? '' : (sliceMember(json, 'body') ?? ''))};
}

/** A body that came beside its JSON: bytes are what they are, a text may be the base64 of bytes. */
function shapeContent({isText, body, isPart}: RawContent, flag: unknown): {body: string | Buffer; kind: 'text' | 'bytes'} {
  if (!isText) return {body, kind: 'bytes'};
  if (isTrue(flag)) {
    if (isPart) throw invalid('isBase64Encoded is true, but a body that is made piece by piece is sent as it is: make pieces of bytes');
    return {body: decodeBase64(body.toString('utf8')), kind: 'bytes'};
  }
  return {body: textOf(body), kind: 'text'};
}

function shapeBody(value: unknown, json: string): {body: string; kind: 'json' | 'text'} {
  if (value === undefined || value === null) return {body: '', kind: 'text'};
  if (typeof value === 'string') return {body: value, kind: 'text'};
  return {body: json, kind: typeof value === 'object' ? 'json' : 'text'};
}

function readStatus(given: unknown): number {
  if (given === null) return 200;
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given;
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw invalid(`statusCode must be an integer from 200 to 599, got ${shown(given)}`);
}

function isTrue(flag: unknown): boolean {
  if (flag === null || flag === false) return false;
  if (flag === true) return true;
  throw invalid(`isBase64Encoded must be true or false, got ${shown(flag)}`);
}

/** Padding is optional, the URL-safe alphabet and line breaks are accepted. */
function decodeBase64(content: unknown): Buffer {
  if (content === null) return Buffer.alloc(0);
  if (typeof content !== 'string') throw invalid(`isBase64Encoded is true, so body must be a string, got ${shown(content)}`);
  const text = content.replaceAll(/[\r\n]+/g, '');
  const digits = text.replace(/={0,2}$/, '');
  if (/[^A-Za-z0-9+/_-]/.test(digits) || digits.length % 4 === 1) throw invalid('isBase64Encoded is true, but body is not base64');
  return Buffer.from(digits, 'base64');
}

/** Null when absent. */
function own(value: JsonObject, member: string): unknown {
  return Object.hasOwn(value, member) ? value[member] : null;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in an error message: one line, no longer than a few words. */
function shown(value: unknown): string {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch {
    return 'a value of too many levels';
  }
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
