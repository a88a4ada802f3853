/*
Serves Lambda's Runtime API to a program that it starts, and is called by the core on the channel:
`node bridge.mjs <payload> <handler> <program> [arguments]`. README.md says what it promises.
*/

import {Channel} from './channel.mjs';
import {arnOf, Client, clientEnvironment} from './client.mjs';
import {payloadOf} from './payload.mjs';
import {preludeIn, replyOf} from './reply.mjs';
import {Reports} from './reports.mjs';
import {fault, openRuntimeApi, preludeType, trailedError} from './runtime-api.mjs';

const notLoaded =
  'Function Handler does not exist, check that you provided the right HANDLER parameter ' +
  '(path to your module with exported function to use)';
/** So long after its deadline a call may still come to its end: by then its caller has had the answer of the core. */
const lateMs = 500;

/** The core drops what is written faster than it is read, and a report without an end with it. */
const longestErrorChars = 65_536;

const [kind, handler, ...command] = process.argv.slice(2);
const {CORE_BRIDGE_FD, CORE_CALLS_FD, SCW_PAYLOAD_MAX_SIZE} = process.env;

/** Calls that the client has not asked for yet. */
const queue = [];
/** The call that the client has; one at a time. */
let current;
/** The ids of the call that the client had last: what it prints belongs to it. */
let ids = {};
/** The client's request for its next call. */
let asking;
let isReported = false;
/** The client said that it cannot begin. */
let isBroken = false;
let isStopping = false;
let isLeaving = false;
/** Undefined until the Runtime API is open. */
let client;
let isClientGone = false;

if (CORE_BRIDGE_FD === undefined || CORE_CALLS_FD === undefined) {
  process.stderr.write('core-bridge: the core starts this program, with descriptors to call it on\n');
  process.exit(64);
}
const reports = new Reports(Number(CORE_BRIDGE_FD));
// A JSON escape makes one byte six in what a caller sends; the rest of the event has room beside it.
const callMaxBytes = 6 * (Number(SCW_PAYLOAD_MAX_SIZE) || 6_291_456) + 8 * 2 ** 20;
const channel = new Channel(Number(CORE_CALLS_FD), callMaxBytes, {call: take, cancelled, ended: stop});
process.on('SIGTERM', () => {}); // the core ends its side of the channel together with it

const address = await openRuntimeApi({next, claim, responded, streamed, failed, initFailed});
const environment = clientEnvironment(process.env, process.env._HANDLER || handler, address);
client = new Client(command, environment, {
  started(child) {
    reports.follow('stdout', child.stdout, () => ids);
    reports.follow('stderr', child.stderr, () => ids);
  },
  failed: error => {
    isClientGone = true;
    initFailed(fault('Runtime.InvalidEntrypoint', `${command[0]} cannot be executed: ${error.message}`));
  },
  exited,
});

// From the core --------------------------------------------------------------------------------------------------------

function take({number, form, json, body}) {
  if (isBroken) return channel.fail(number, notLoaded);
  const {event, context, target} = JSON.parse(json);
  queue.push({number, form, body, event, target, context, isLeft: false});
  handOut();
}

/** Lambda has no way to end an invocation: the call is over when the client answers. */
function cancelled(number) {
  const at = queue.findIndex(call => call.number === number);
  if (at !== -1) {
    queue.splice(at, 1);
    channel.end(number);
  } else if (current?.number === number) current.isLeft = true;
}

function stop() {
  isStopping = true;
  if (client === undefined || isClientGone) return leave(0);
  if (current === undefined && queue.length === 0) client.stop();
}

// To the client --------------------------------------------------------------------------------------------------------

function next(response, userAgent = '') {
  report({loaded: true}, userAgent);
  // It went on without an answer, as a bootstrap does that starts its program again.
  if (current !== undefined && !current.isAnswered)
    failed(current, fault('Runtime.NoResponse', 'The client asked for the next invocation and gave no response'));
  asking = response;
  response.once('close', () => {
    if (asking === response) asking = undefined;
  });
  handOut();
}

function handOut() {
  if (asking === undefined || current !== undefined || queue.length === 0) return;
  const call = queue.shift();
  const {context, event} = call;
  const response = asking;
  asking = undefined;
  let payload;
  try {
    payload = payloadOf(kind, call, environment.AWS_REGION);
  } catch (error) {
    channel.fail(call.number, `The event cannot be written for Lambda: ${error.message}`);
    asking = response;
    return handOut();
  }
  current = call;
  call.body = undefined;
  ids = {invocationId: context.invocationId, ...(context.trace?.traceparent && {traceId: context.trace.traceparent.split('-')[1]})};
  call.id = context.invocationId ?? String(call.number);
  call.isHttp = event.requestContext?.eventType === 'http';
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(payload),
    'Lambda-Runtime-Aws-Request-Id': call.id,
    'Lambda-Runtime-Deadline-Ms': String(context.deadlineMs ?? Date.now() + 300_000),
    'Lambda-Runtime-Invoked-Function-Arn': arnOf(environment),
    ...traceOf(context.trace),
    ...clientContextOf(event),
  });
  response.end(payload);
  if (typeof context.deadlineMs === 'number') limit(call, context.deadlineMs - Date.now() + lateMs);
}

/** As Lambda does, the client is ended with a call that has no answer in time. How long a stream may take the core says. */
function limit(call, afterMs) {
  call.timer = setTimeout(
    () => {
      if (call.reply !== undefined && !call.reply.isCancelled) return limit(call, 1000);
      log(fault('Runtime.Timeout', 'Task timed out: its client is ended'));
      isClientGone = true;
      leave(1);
    },
    Math.min(Math.max(0, afterMs), 0x7fffffff),
  );
}

/** As X-Ray writes it. */
function traceOf({traceparent = ''} = {}) {
  const [, trace = '', parent, flags] = traceparent.split('-');
  if (trace.length !== 32) return {};
  return {'Lambda-Runtime-Trace-Id': `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Parent=${parent};Sampled=${Number(flags) & 1}`};
}

/** What a caller of Lambda's Invoke sends in base64. */
function clientContextOf({headers = {}}) {
  const text = Buffer.from(headers['X-Amz-Client-Context'] ?? '', 'base64').toString('latin1');
  return text !== '' && /^[\x20-\x7e]+$/.test(text) ? {'Lambda-Runtime-Client-Context': text} : {};
}

// From the client ------------------------------------------------------------------------------------------------------

/** @returns the call that is answered; undefined when it is no other than one that was answered, or never came */
function claim(id) {
  if (current?.id !== id || current.isAnswered) return undefined;
  current.isAnswered = true;
  return current;
}

function responded(call, bytes) {
  if (call.isLeft) {
    channel.end(call.number);
    return over(call);
  }
  try {
    channel.succeed(call.number, replyOf(kind, call.isHttp, bytes)).then(() => over(call));
  } catch (error) {
    failed(call, fault('Function.InvalidResponse', error.message));
  }
}

async function streamed(call, request) {
  const isHead = request.headers['content-type'] === preludeType;
  let head = Buffer.alloc(0);
  let reply;
  try {
    // Without an end of its own the iterator would destroy the request, and stop the connection on which the client asks next.
    for await (const piece of request.iterator({destroyOnReturn: false})) {
      if (call.isLeft || reply?.isCancelled) continue; // the client writes on, and nobody wants it
      if (reply !== undefined) {
        await reply.send(piece);
        continue;
      }
      head = Buffer.concat([head, piece]);
      const begun = isHead ? preludeIn(head) : {json: untold(call, request), first: head};
      if (begun === undefined) continue;
      reply = channel.stream(call.number, {form: 2, json: begun.json}, begun.first);
      call.reply = reply;
      await reply.send(reply.rest);
    }
  } catch (error) {
    request.resume();
    return breakOff(call, reply, fault('Runtime.TruncatedResponse', `The streamed response broke off: ${error.message}`));
  }
  const error = trailedError(request);
  if (error !== undefined) return breakOff(call, reply, error);
  if (reply !== undefined) reply.end();
  else if (call.isLeft) channel.end(call.number);
  else if (isHead) return failed(call, fault('Runtime.InvalidStream', 'The streamed response ended before its head'));
  else await channel.succeed(call.number, {form: 2, json: untold(call, request)});
  over(call);
}

/** The head of a stream that says nothing of it. */
const untold = ({isHttp}, {headers}) =>
  isHttp ? JSON.stringify({statusCode: 200, headers: {'content-type': headers['content-type'] ?? 'application/octet-stream'}}) : '';

function breakOff(call, reply, error) {
  if (reply === undefined) return failed(call, error);
  log(error);
  reply.fail(error.errorMessage);
  over(call);
}

function failed(call, error) {
  log(error);
  channel.fail(call.number, error.errorMessage);
  over(call);
}

/** The client is done with the call, and its reply has left. */
function over(call) {
  clearTimeout(call.timer);
  if (current === call) current = undefined;
  handOut();
  if (isStopping) stop();
}

function initFailed({errorType, errorMessage, stack}) {
  if (isReported) return log({errorType, errorMessage, stack});
  isBroken = true;
  report({loaded: false, error: `${errorType}: ${errorMessage}`.slice(0, longestErrorChars)});
  log({errorType, errorMessage, stack});
  for (const {number} of queue.splice(0)) channel.fail(number, notLoaded);
}

function report(outcome, userAgent = '') {
  if (isReported) return;
  isReported = true;
  reports.write({...outcome, runtime: userAgent === '' ? 'a client of Lambda' : `Lambda, ${userAgent}`, calls: 1, concurrency: 1});
}

function log({errorType, errorMessage, stack}) {
  const title = `${errorType}: ${errorMessage}`;
  reports.error(ids, title, stack === '' ? undefined : `${title}\n${stack}`);
}

// The end --------------------------------------------------------------------------------------------------------------

/** The core starts the two of them again, as it does with every process that ends. */
function exited(code, signal) {
  isClientGone = true;
  clearTimeout(current?.timer);
  if (isStopping) leave(0);
  else if (!isBroken) leave(code, signal);
}

async function leave(code, signal) {
  if (isLeaving) return;
  isLeaving = true;
  await Promise.all([reports.close(), Promise.race([channel.close(), new Promise(resolve => setTimeout(resolve, 1000))])]);
  if (signal) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, signal);
    await new Promise(resolve => setTimeout(resolve, 1000)); // a signal that does not end a process
  }
  process.exit(code ?? 1);
}
