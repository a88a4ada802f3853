/* What a Lambda function answered, as the core takes it: `{form, json, body}` of a RESULT. */

const envelopeMembers = ['statusCode', 'headers', 'multiValueHeaders', 'cookies', 'body', 'isBase64Encoded'];
const separatorBytes = 8;
/** API Gateway takes no longer heads. */
export const preludeMaxBytes = 65_536 - 256;

/**
@param bytes what the client posted
@param isHttp the call came by HTTP; otherwise only success counts, and the result is passed on
@throws Error that the caller may read
*/
export function replyOf(kind, isHttp, bytes) {
  const text = bytes.toString();
  if (kind === 'event' || !isHttp) return {form: 0, json: checkedJson(text)};
  if (kind === 'body') return jsonReply(checkedJson(text));
  const value = parsed(text);
  if (kind === '1.0') {
    if (isEnvelope(value)) return envelopeReply(value);
    throw new Error('Malformed Lambda proxy response: payload format 1.0 needs an object with statusCode, headers and body');
  }
  if (value !== null && typeof value === 'object' && value.statusCode != null) return envelopeReply(value);
  return jsonReply(typeof value === 'string' ? value : text);
}

/** Without a statusCode, payload format 2.0 takes all of it for the body. */
function jsonReply(body) {
  return {form: 1, json: '{"statusCode":200,"headers":{"content-type":"application/json"}}', body};
}

function envelopeReply({body, ...envelope}) {
  if (typeof body === 'string') return {form: 1, json: JSON.stringify(envelope), body};
  return {form: 0, json: JSON.stringify({...envelope, body: body ?? null})};
}

const isEnvelope = value => value !== null && typeof value === 'object' && envelopeMembers.some(name => Object.hasOwn(value, name));

/** Some clients post nothing for a function that returns nothing. */
function checkedJson(text) {
  if (text.trim() === '') return 'null';
  parsed(text);
  return text;
}

function parsed(text) {
  try {
    return JSON.parse(text.trim() === '' ? 'null' : text);
  } catch {
    throw new Error('The response of the function is not JSON');
  }
}

/**
Finds the head of a streamed response: JSON with status, headers and cookies, then eight NUL bytes.

@returns undefined while more has to come
@throws Error when it cannot be one
*/
export function preludeIn(bytes) {
  const end = bytes.indexOf(Buffer.alloc(separatorBytes));
  if (end === -1) {
    if (bytes.length > preludeMaxBytes) throw new Error('The head of the streamed response has no end');
    return undefined;
  }
  const {statusCode = 200, headers = {}, multiValueHeaders, cookies} = Object(parsed(bytes.toString('utf8', 0, end)));
  return {json: JSON.stringify({statusCode, headers, multiValueHeaders, cookies}), first: bytes.subarray(end + separatorBytes)};
}
