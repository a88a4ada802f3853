import http from 'node:http';

/* Lambda's Runtime API, version 2018-06-01, for one client on loopback. */

/** The type of a streamed response that begins with a head. */
export const preludeType = 'application/vnd.awslambda.http-integration-response';
const base = '/2018-06-01/runtime/';
/** Past any reply that a core takes by default. */
const gatheredMaxBytes = 32 * 2 ** 20;

/**
@param events `next(response, userAgent)`: the client asks for an invocation. `claim(id)` gives the call that is answered, once;
then comes `responded(call, bytes)`, `streamed(call, request)` or `failed(call, error)`. `initFailed(error)`: it cannot begin.
@returns the address, as clients take it
*/
export function openRuntimeApi(events) {
  // A client may wait for hours, and a streamed response may take as long as the core lets it.
  const server = http.createServer({keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true}, (request, response) => {
    answer(request, response, events).catch(() => request.destroy());
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${server.address().port}`));
  });
}

async function answer(request, response, events) {
  const {method, url = ''} = request;
  const path = url.startsWith(base) ? url.slice(base.length) : '';
  const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
  if (method === 'GET' && path === 'invocation/next') return events.next(response, request.headers['user-agent']);
  if (method === 'POST' && path === 'init/error') {
    events.initFailed(errorOf((await gathered(request)) ?? '', request));
    return say(response, 202, {status: 'OK'});
  }
  if (method !== 'POST' || id === undefined) return say(response, 404, problem('NotFound', `${method} ${url} is not served`));
  const call = events.claim(id);
  if (call !== undefined) return say(response, ...(await take(call, what, request, events)));
  request.resume();
  say(response, 400, problem('InvalidRequestID', `Invocation ${id} is not the one that waits for an answer`));
}

/** @returns status and members of the answer */
async function take(call, what, request, events) {
  const accepted = [202, {status: 'OK'}];
  if (what === 'response' && isStreamed(request.headers)) {
    await events.streamed(call, request);
    return accepted;
  }
  let bytes;
  try {
    bytes = await gathered(request);
  } catch (error) {
    events.failed(call, fault('Runtime.TruncatedResponse', `The response broke off: ${error.message}`));
    throw error;
  }
  if (bytes === undefined) {
    events.failed(call, fault('Function.ResponseSizeTooLarge', `The response has more than ${gatheredMaxBytes} bytes`));
    return [413, problem('RequestEntityTooLarge', `A response may have ${gatheredMaxBytes} bytes`)];
  }
  const broken = trailedError(request);
  if (broken !== undefined) events.failed(call, broken);
  else if (what === 'error') events.failed(call, errorOf(bytes, request));
  else events.responded(call, bytes);
  return accepted;
}

/** A type that has a head of its own is streamed, as the client of Go says no more than that. */
const isStreamed = headers => headers['lambda-runtime-function-response-mode'] === 'streaming' || headers['content-type'] === preludeType;

/** The error with which a function ended that had begun to answer: it comes behind the body. */
export function trailedError({trailers}) {
  const {'lambda-runtime-function-error-type': type, 'lambda-runtime-function-error-body': body = ''} = trailers;
  if (type === undefined) return undefined;
  return errorOf(Buffer.from(body, 'base64'), {headers: {'lambda-runtime-function-error-type': type}});
}

/** @returns undefined when it is too much; the rest is read and dropped, so that the answer is seen */
async function gathered(request) {
  let parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes <= gatheredMaxBytes) parts.push(part);
    else parts = [];
  }
  return bytes <= gatheredMaxBytes ? Buffer.concat(parts) : undefined;
}

/** An error as clients post it: `{errorMessage, errorType, stackTrace}`. */
export function errorOf(bytes, {headers = {}} = {}) {
  let said = {};
  try {
    said = Object(JSON.parse(bytes.toString()));
  } catch {
    // not JSON: the field says what it is
  }
  const {errorType = headers['lambda-runtime-function-error-type'] ?? 'Unhandled', errorMessage = '', stackTrace} = said;
  const lines = [stackTrace].flat().filter(line => typeof line === 'string' && line !== '');
  return {
    errorType: String(errorType),
    errorMessage: String(errorMessage ?? '') || String(errorType),
    stack: lines.map(line => line.trimEnd()).join('\n'),
  };
}

/** An error that the function did not report itself. */
export const fault = (errorType, errorMessage) => ({errorType, errorMessage, stack: ''});

const problem = (errorType, errorMessage) => ({errorMessage, errorType});

function say(response, status, members) {
  const text = JSON.stringify(members);
  response.writeHead(status, {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text)});
  response.end(text);
}
