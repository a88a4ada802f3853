import {context, SpanKind, trace as traceApi} from '@opentelemetry/api';
import {NodeSDK} from '@opentelemetry/sdk-node';
import {InMemorySpanExporter, SimpleSpanProcessor} from '@opentelemetry/sdk-trace';
import test from 'ava';
import {systemClock as clock} from '../../src/clock.ts';
import type {SpanSubject} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import {recordedSpans} from '../../src/observe/traces/recorded.ts';
import {openRecorder} from '../helpers/recorder.ts';

// Spans as an exporter of the SDK gets them.

const exporter = new InMemorySpanExporter();
const recorder = openRecorder(new SimpleSpanProcessor({exporter}));
const sdk = new NodeSDK({spanProcessors: [], metricReaders: [], logRecordProcessors: [], autoDetectResources: false});
test.before(() => sdk.start()); // its propagators
test.after.always(() => sdk.shutdown());
test.afterEach.always(() => exporter.reset());

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const fields = (given: Record<string, string> = {}) => ({get: (field: string) => given[field] ?? ''});
const answer = {status: 200, headers: [], body: ''};

function open(subject: SpanSubject, given: Record<string, string> = {}) {
  return recordedSpans({recorder, functionName: 'hello', clock}).invocation('id-1', {subject: () => subject, traceCarrier: fields(given)});
}

const finished = () => exporter.getFinishedSpans();

test.serial('an unknown method is not in the name', t => {
  open({trigger: 'http', method: 'BREW', path: '/', address: 'here'}).ended(answer);
  const [span] = finished();
  t.is(span?.name, 'HTTP hello');
  t.like(span?.attributes, {'http.request.method': '_OTHER', 'http.request.method_original': 'BREW'});
});

test.serial('an invocation by HTTP', t => {
  open({trigger: 'http', method: 'GET', path: '/a', address: 'here'}).ended(answer);
  const [span] = finished();
  t.is(span?.name, 'GET hello');
  t.is(span?.kind, SpanKind.SERVER);
  t.deepEqual(
    {...span?.attributes},
    {
      'http.request.method': 'GET',
      'url.path': '/a',
      'url.scheme': 'http',
      'server.address': 'here',
      'faas.trigger': 'http',
      'faas.invocation_id': 'id-1',
      'faas.coldstart': false,
      'http.response.status_code': 200,
    },
  );
});

test.serial('a tick of a schedule has no status, but its expression and its occurrence', t => {
  open({trigger: 'timer', name: 'nightly', cron: '0 3 * * *', time: '2026-01-01T03:00:00Z'}).ended(answer);
  const [span] = finished();
  t.is(span?.name, 'nightly');
  t.is(span?.kind, SpanKind.SERVER);
  t.deepEqual(
    {...span?.attributes},
    {
      'faas.cron': '0 3 * * *',
      'faas.time': '2026-01-01T03:00:00Z',
      'faas.trigger': 'timer',
      'faas.invocation_id': 'id-1',
      'faas.coldstart': false,
    },
  );
});

test.serial('a message is consumed in a trace of its own that links to its producer', t => {
  open({trigger: 'pubsub', system: 'nats', destination: 'orders'}, {traceparent}).ended(answer);
  open({trigger: 'pubsub', system: 'nats', destination: 'orders'}, {traceparent: 'none'}).ended(answer);
  const [span, orphan] = finished();
  t.is(span?.name, 'process orders');
  t.is(span?.kind, SpanKind.CONSUMER);
  t.like(span?.attributes, {
    'messaging.system': 'nats',
    'messaging.destination.name': 'orders',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'faas.trigger': 'pubsub',
  });
  t.not(span?.spanContext().traceId, traceId);
  t.deepEqual(
    span?.links.map(link => link.context.spanId),
    ['b7ad6b7169203331'],
  );
  t.deepEqual(orphan?.links, []);
});

test.serial('what is handed on has a span of its own, which attempts and posts of the reply link to, as they may come hours later', t => {
  const invocation = open({trigger: 'http', method: 'POST', path: '/', address: 'here'}, {traceparent});
  invocation.sends('work', 3); // it was sent before
  invocation.sends('work', 3).failed(new Fault('WORK_FULL'));
  const send = invocation.sends('work', 3);
  send.sent();
  invocation.ended({...answer, status: 202});
  const sender = {traceparent: send.trace?.traceparent ?? ''};
  open({trigger: 'pubsub', system: 'core-runtime', destination: 'work', id: 'id-1', attempt: 2}, sender).ended(answer);
  const spans = recordedSpans({recorder, functionName: 'hello', clock});
  const refused = spans.post({id: 'id-1', url: 'https://hooks.example.com/secret?key=1', number: 2, ...sender});
  refused.answered(503);
  spans.post({id: 'id-1', url: 'http://hooks.example.com:81/', number: 1, traceparent: undefined}).failed(new Error('reset'));
  const [full, sent, request, attempt, post, lost] = finished();
  t.is(finished().length, 6);
  t.like(full?.attributes, {'error.type': 'WORK_FULL'});
  t.is(sent?.name, 'send work');
  t.is(sent?.kind, SpanKind.PRODUCER);
  t.is(sent?.parentSpanContext?.spanId, request?.spanContext().spanId);
  t.is(sent?.spanContext().traceId, traceId);
  t.deepEqual(
    {...sent?.attributes},
    {
      'messaging.system': 'core-runtime',
      'messaging.destination.name': 'work',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.message.id': 'id-1',
      'messaging.message.body.size': 3,
    },
  );
  t.like(attempt?.attributes, {'messaging.message.id': 'id-1', 'core.attempt': 2});
  t.is(post?.kind, SpanKind.CLIENT);
  t.deepEqual(
    {...post?.attributes},
    {
      'http.request.method': 'POST',
      'server.address': 'hooks.example.com',
      'server.port': 443,
      'faas.invocation_id': 'id-1',
      'http.request.resend_count': 1,
      'http.response.status_code': 503,
      'error.type': '503',
    },
  );
  t.is(refused.trace?.traceparent.slice(36, 52), post?.spanContext().spanId);
  for (const late of [attempt, post]) {
    t.is(late?.parentSpanContext, undefined);
    t.not(late?.spanContext().traceId, traceId);
    t.deepEqual(
      late?.links.map(link => link.context.spanId),
      [sent?.spanContext().spanId],
    );
  }
  t.like(lost, {links: []});
  t.like(lost?.attributes, {'server.port': 81, 'error.type': 'Error'});
});

test.serial('a call that is sent again is one span per attempt, below the invocation', t => {
  const invocation = open({trigger: 'other', name: 'test'}, {traceparent});
  invocation.call(0, {host: '127.0.0.1', port: 1}).failed(Object.assign(new Error('refused'), {code: 'ECONNREFUSED'}));
  invocation.call(1, {host: '127.0.0.1', port: 2}).answered(200);
  invocation.ended(answer);
  const [first, second, parent] = finished();
  t.is(first?.kind, SpanKind.CLIENT);
  t.like(first?.attributes, {'server.port': 1, 'error.type': 'ECONNREFUSED'});
  t.false('http.request.resend_count' in (first?.attributes ?? {}));
  t.like(second?.attributes, {'server.port': 2, 'http.request.resend_count': 1, 'http.response.status_code': 200});
  for (const call of [first, second]) t.is(call?.parentSpanContext?.spanId, parent?.spanContext().spanId);
  t.is(parent?.spanContext().traceId, traceId);
});

test.serial('the wait is an event with its length and the queue’s; a cold start brings the spawn into the trace', t => {
  const invocation = open({trigger: 'other', name: 'test'});
  const start = {executable: 'node', pid: 7, startedAt: 1_800_000_000_000, endedAt: 1_800_000_000_250};
  invocation.waited({waitedMs: 250, depth: 3, cold: true, start});
  invocation.ended(answer);
  const [spawn, span] = finished();
  t.deepEqual(
    span?.events.map(({name, attributes}) => ({name, ...attributes})),
    [{name: 'queue.wait', 'queue.wait_ms': 250, 'queue.depth': 3}],
  );
  t.true(span?.attributes['faas.coldstart']);
  t.is(spawn?.name, 'spawn node');
  t.is(spawn?.kind, SpanKind.INTERNAL);
  t.is(spawn?.parentSpanContext?.spanId, span?.spanContext().spanId);
  t.deepEqual(spawn?.duration, [0, 250_000_000]);
});

test.serial('a failed start says how the process ended', t => {
  const failed = {
    executable: 'node',
    pid: 7,
    startedAt: 1000,
    endedAt: 1250,
    exitCode: 3,
    error: 'exited',
    failure: 'exit-nonzero',
  } as const;
  recordedSpans({recorder, functionName: '', clock}).spawned(failed);
  const [spawn] = finished();
  t.like(spawn?.attributes, {'process.executable.name': 'node', 'process.pid': 7, 'process.exit.code': 3, 'error.type': 'exit-nonzero'});
});

test.serial('a fault of the core is named; below 500 the span is not an error', t => {
  open({trigger: 'other', name: 'a'}).ended({...answer, status: 504, fault: new Fault('UPSTREAM_TIMEOUT')});
  open({trigger: 'other', name: 'b'}).ended({...answer, status: 401, fault: new Fault('AUTH_MISSING')});
  const [timeout, refused] = finished();
  t.like(timeout, {status: {code: 2}});
  t.is(timeout?.attributes['error.type'], 'UPSTREAM_TIMEOUT');
  t.is(refused?.attributes['error.type'], 'AUTH_MISSING');
  t.like(refused, {status: {code: 0}});
});

test.serial('only a sampled trace is an exemplar', t => {
  const sampled = open({trigger: 'other', name: 'a'}, {traceparent});
  const unsampled = open({trigger: 'other', name: 'a'}, {traceparent: traceparent.replace(/01$/, '00')});
  t.is(sampled.exemplar, traceId);
  t.is(unsampled.exemplar, undefined);
  t.is(unsampled.traceId, traceId);
});

test.serial('spans need no context of this process', t => {
  t.is(traceApi.getSpan(context.active()), undefined);
  open({trigger: 'other', name: 'a'}).ended(answer);
  t.is(finished()[0]?.parentSpanContext, undefined);
});
