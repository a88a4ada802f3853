import {isUtf8} from 'node:buffer';
import {Fault} from '../../src/errors.ts';
import type {ChannelReply, EventReply, HttpReply} from '../../src/runtime.ts';

/** What the function returned: nothing, a JSON value with its exact text, or a body as it stands. */
export type FunctionResult =
  | {readonly kind: 'none'}
  | {readonly kind: 'json'; readonly value: unknown; readonly json: string; readonly content?: ChannelReply['content']}
  | {readonly kind: 'text'; readonly body: string | Buffer}
  | {readonly kind: 'bytes'; readonly body: Buffer};

/** A text body that is longer stays the bytes that came: to keep it as a text, too, would take memory twice. */
const largeText = 64 * 2 ** 10;
const missingHandler = 'Function Handler does not exist';
/** The text of an error goes to the caller and into the log, so a longer one is cut. */
const longestMessageBytes = 64 * 2 ** 10;
const errorPrefix = 'An error occured during handler execution: ';

/**
Judges the sub-runtime's reply by its status, type and framing.

@throws Fault HANDLER_FAILED, HANDLER_MISSING for status 500; UPSTREAM_PROTOCOL for what no sub-runtime may send
*/
export function readResult(reply: EventReply): FunctionResult {
  return 'framed' in reply ? readHttp(reply) : readChannel(reply);
}

function readChannel({status, json, content}: ChannelReply): FunctionResult {
  if (status === 500) throw handlerFault(json ?? '');
  if (json !== undefined) {
    const value = parsed(json);
    if (value === undefined) throw protocolFault('its JSON is not one JSON value');
    return {kind: 'json', value: value.json, json: trimJson(json), ...(content && {content})};
  }
  if (!content) return {kind: 'none'};
  return content.isText ? {kind: 'text', body: textOf(content.body)} : {kind: 'bytes', body: content.body};
}

/** A small text is sent best as a text, a large one as the bytes that it came as. */
export const textOf = (body: Buffer): string | Buffer => (body.length > largeText ? body : body.toString('utf8'));

function readHttp({status, contentType, framed, body}: HttpReply): FunctionResult {
  if (status === 500)
    throw handlerFault(body.toString('utf8', 0, longestMessageBytes) + (body.length > longestMessageBytes ? ' [cut]' : ''));
  if (status < 200 || status > 299) throw protocolFault(`it answered with status ${status}, expected 200 to 299 or 500`);
  if (body.length === 0) {
    if (!framed && status !== 204 && status !== 205) throw truncated();
    return {kind: 'none'};
  }

  const isJson = /^application\/json\s*(;|$)/i.test(contentType);
  if (!isUtf8(body)) {
    if (isJson) throw protocolFault('its JSON is not UTF-8');
    if (!framed) throw truncated();
    return {kind: 'bytes', body};
  }
  const text = body.toString('utf8');
  const value = isJson || !framed || /^[\t\n\r ]*[[{]/.test(text) ? parsed(text) : undefined;
  if (value === undefined) {
    if (isJson) throw protocolFault('its application/json is not one JSON value');
    if (!framed) throw truncated();
    return {kind: 'text', body: body.length > largeText ? body : text};
  }
  const json = trimJson(text);
  if (isJson || (typeof value.json === 'object' && value.json !== null)) return {kind: 'json', value: value.json, json};
  return {kind: 'text', body: body.length > largeText ? body : text};
}

/** The message with its prefix; a sub-runtime that wrote the prefix itself does not get a second one. */
function handlerFault(message: string): Fault {
  const bare = message.startsWith(errorPrefix) ? message.slice(errorPrefix.length) : message;
  const text = errorPrefix + trimEnd(bare, '\r\n');
  return new Fault(bare.startsWith(missingHandler) ? 'HANDLER_MISSING' : 'HANDLER_FAILED', {message: text});
}

function protocolFault(how: string): Fault {
  return new Fault('UPSTREAM_PROTOCOL', {message: `The sub-runtime broke the protocol: ${how}`});
}

const truncated = () => protocolFault('its reply has neither a length nor chunks, and is not a complete JSON value');

function parsed(text: string): {json: unknown} | undefined {
  try {
    return {json: JSON.parse(text)};
  } catch {
    return undefined;
  }
}

const space = '\t\n\r ';

/** Only the space that JSON allows around a value. */
function trimJson(text: string): string {
  let start = 0;
  while (start < text.length && space.includes(text.charAt(start))) start++;
  return trimEnd(start === 0 ? text : text.slice(start), space);
}

// A pattern that ends in `+$` would try every run of spaces within the text anew: quadratic on a long one.
function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
