import test from 'ava';
import {trace} from '../../middleware/trace.ts';
import type {InvocationResult} from '../../src/delivery.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import type {InvocationSpan} from '../../src/invocation.ts';
import {passingSpans, type Spans} from '../../src/observe/traces/spans.ts';
import {ManualClock} from '../helpers/clock.ts';
import {FakeDelivery, fieldMap, recordingLog, recordingMeter, requestInput, stageContext} from '../helpers/fakes.ts';

const answer: InvocationResult = {status: 200, headers: [], body: 'fine'};

function prepare(fields: Record<string, string> = {}) {
  const meter = recordingMeter();
  const log = recordingLog();
  const clock = new ManualClock();
  const ended: InvocationResult[] = [];
  const span: InvocationSpan = {
    trace: undefined,
    traceId: 'trace-1',
    exemplar: 'trace-1',
    call: () => ({trace: undefined, answered() {}, failed() {}}),
    sends: () => ({trace: undefined, sent() {}, failed() {}}),
    waited() {},
    ended: result => ended.push(result),
  };
  const spans: Spans = {...passingSpans, invocation: () => span};
  const delivery = new FakeDelivery();
  const ctx = stageContext(delivery, fields);
  const stage = trace({spans, meter, log, clock});
  return {meter, log, clock, ended, span, delivery, ctx, walk: (next: () => Promise<void>) => stage(ctx, next)};
}

const fail = (error: unknown) => async () => {
  throw error;
};

test('a bug becomes 500 without a word of it, and goes to the log with its stack', async t => {
  const {walk, delivery, log, meter} = prepare();
  await walk(fail(new TypeError('secret internals')));
  const [reply] = delivery.replies;
  t.is(delivery.replies.length, 1);
  t.is(reply?.status, 500);
  t.is(reply?.body, 'The core runtime failed; its log has the cause\n');
  t.is(log.lines[0]?.level, 'error');
  t.like(log.lines[0]?.fields, {invocationId: 'id-1', traceId: 'trace-1', code: 'INTERNAL'});
  t.regex(String(log.lines[0]?.fields.stack), /TypeError: secret internals\n/);
  t.deepEqual(meter.calls[0], ['faulted', 'INTERNAL']);
});

test('everything that is thrown becomes 500', async t => {
  for (const thrown of [undefined, null, 'text', 0, {status: 404}, Object.create(null)]) {
    const {walk, delivery} = prepare();
    await walk(fail(thrown));
    t.deepEqual(
      delivery.replies.map(({status}) => status),
      [500],
    );
  }
});

test('a chain that set no result is a bug', async t => {
  const {walk, delivery} = prepare();
  await walk(async () => {});
  t.deepEqual(
    delivery.replies.map(({status}) => status),
    [500],
  );
});

const faults: [code: FaultCode, status: number, isLogged: boolean][] = [
  ['AUTH_MISSING', 401, false],
  ['AUTH_INVALID', 401, false],
  ['AUTH_FORBIDDEN', 403, false],
  ['AUTH_NOT_CONFIGURED', 500, true],
  ['REQUEST_MALFORMED', 400, false],
  ['TRIGGER_UNKNOWN', 400, false],
  ['BODY_TOO_LARGE', 413, false],
  ['BODY_INCOMPLETE', 400, false],
  ['HANDLER_FAILED', 500, true],
  ['HANDLER_MISSING', 500, true],
  ['RESULT_INVALID', 502, true],
  ['UPSTREAM_PROTOCOL', 502, true],
  ['UPSTREAM_LOST', 502, true],
  ['POOL_BUSY', 503, true],
  ['POOL_NOT_READY', 503, true],
  ['POOL_GAVE_UP', 503, true],
  ['DRAINING', 503, true],
  ['UPSTREAM_TIMEOUT', 504, true],
];

for (const [code, status, isLogged] of faults) {
  test(`${code} ends in one reply of ${status} that names it`, async t => {
    const {walk, delivery, ctx, log, meter, ended} = prepare();
    const fault = new Fault(code, {message: 'a sentence'});
    await walk(fail(fault));
    const [reply, ...more] = delivery.replies;
    t.deepEqual(more, []);
    t.is(reply?.status, status);
    t.is(reply?.body, 'a sentence\n');
    t.is(reply?.fault, fault);
    t.like(fieldMap(reply?.headers ?? []), {
      'content-type': ['text/plain; charset=utf-8'],
      'core-error': [code],
      'core-invocation-id': ['id-1'],
      'x-content-type-options': ['nosniff'],
      'access-control-allow-origin': ['*'],
      'access-control-allow-headers': ['Content-Type'],
    });
    t.is(ctx.state.result, reply);
    t.deepEqual(ended, delivery.replies);
    t.is(log.lines.length, isLogged ? 1 : 0);
    t.deepEqual(meter.calls, [
      ['faulted', code],
      ['invocationEnded', 'none', 'error', 0, 'trace-1'],
    ]);
  });
}

test('a fault that knows when to try again says so', async t => {
  const {walk, delivery} = prepare();
  await walk(fail(new Fault('POOL_BUSY', {retryAfterS: 7})));
  t.deepEqual(fieldMap(delivery.replies[0]?.headers ?? [])['retry-after'], ['7']);
});

test('a caller that accepts problem+json gets it', async t => {
  const {walk, delivery} = prepare({accept: 'text/html, application/problem+json;q=0.9'});
  await walk(fail(new Fault('BODY_TOO_LARGE', {message: 'too "large"'})));
  const [reply] = delivery.replies;
  t.deepEqual(fieldMap(reply?.headers ?? [])['content-type'], ['application/problem+json']);
  t.deepEqual(JSON.parse(String(reply?.body)), {
    type: 'about:blank',
    title: 'BODY_TOO_LARGE',
    status: 413,
    detail: 'too "large"',
    invocationId: 'id-1',
  });
});

test('a result that a stage set is left as it is, and its time is counted', async t => {
  const {walk, delivery, ctx, clock, meter, ended} = prepare();
  await walk(async () => {
    ctx.state.input = requestInput({eventType: 'cron'});
    ctx.state.result = answer;
    await clock.advance(1500);
  });
  t.deepEqual(delivery.replies, []); // that stage replied
  t.deepEqual(ended, [answer]);
  t.deepEqual(meter.calls, [['invocationEnded', 'cron', 'ok', 1.5, 'trace-1']]);
});

test('the span is there for the stages further in', async t => {
  const {walk, ctx, span} = prepare();
  await walk(async () => {
    t.is(ctx.state.span, span);
    ctx.state.result = answer;
  });
});

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('without recording, an invalid trace is not passed on', t => {
  const spans = passingSpans;
  const bad = [
    '',
    'x',
    traceparent.toUpperCase(),
    `${traceparent}-x`,
    traceparent.replace('00-', 'ff-'),
    traceparent.replace(/b7\w+(?=-01)/, '0'.repeat(16)),
    traceparent.replace(/0af\w+/, '0'.repeat(32)),
    traceparent.slice(0, -1),
    `${traceparent}, ${traceparent}`,
  ];
  for (const value of bad) {
    const span = spans.invocation('id-1', new FakeDelivery({traceCarrier: {get: field => (field === 'traceparent' ? value : '')}}));
    t.is(span.trace, undefined, value);
    t.is(span.call(0, {host: '', port: 0}).trace, undefined);
  }
});

test('without recording, the caller’s trace is passed on as it came', t => {
  const spans = passingSpans;
  const given: Record<string, string> = {traceparent, tracestate: 'a=b'};
  const span = spans.invocation('id-1', new FakeDelivery({traceCarrier: {get: field => given[field] ?? ''}}));
  t.deepEqual(span.trace, {traceparent, tracestate: 'a=b'});
  t.is(span.traceId, '0af7651916cd43dd8448eb211c80319c');
  t.deepEqual(span.call(0, {host: '', port: 0}).trace, span.trace);
  const later = traceparent.replace('00-', '01-');
  t.is(
    spans.invocation('id-1', new FakeDelivery({traceCarrier: {get: field => (field === 'traceparent' ? `${later}-more` : '')}})).trace
      ?.traceparent,
    `${later}-more`,
  );
});

test('an error after the reply is logged and does not change the reply', async t => {
  const {walk, delivery, ctx, log, meter, ended} = prepare();
  await walk(async () => {
    delivery.reply(answer);
    ctx.state.result = answer;
    throw new TypeError('too late');
  });
  t.deepEqual(delivery.replies, [answer]);
  t.is(ctx.state.result, answer);
  t.deepEqual(ended, [answer]);
  t.is(log.lines[0]?.fields.code, 'INTERNAL');
  t.deepEqual(meter.calls[0], ['faulted', 'INTERNAL']);
});

test('why a caller was refused is logged at debug; other faults below 500 are not logged', async t => {
  for (const [fault, cause] of [
    [new Fault('AUTH_INVALID', {cause: 'its signature is not that of the key'}), 'its signature is not that of the key'],
    [new Fault('AUTH_FORBIDDEN', {cause: new Error('jwt expired')}), 'jwt expired'],
  ] as const) {
    const {walk, log} = prepare();
    await walk(fail(fault));
    t.deepEqual(log.lines, [{level: 'debug', fields: {invocationId: 'id-1', code: fault.code, cause}, message: fault.message}]);
  }
  const {walk, log} = prepare();
  await walk(fail(new Fault('REQUEST_MALFORMED')));
  t.deepEqual(log.lines, []);
});
