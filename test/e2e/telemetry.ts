import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {loadGate} from '../helpers/gate.ts';
import {kinds, openReceiver, type ReceivedSpan} from '../helpers/otlp.ts';
import {ask} from '../helpers/request.ts';

const mirror = {
  SCW_PUBLIC: 'true',
  SCW_APPLICATION_NAME: 'mirror',
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
};
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter(span => span.name === name);

test('an invalid traceparent is not passed on, a valid one is, without any tracing of ours', async t => {
  const core = await startCore(mirror, t);
  for (const bad of [
    traceparent.toUpperCase(),
    `ff${traceparent.slice(2)}`,
    `${traceparent}0`,
    '00-0-0-00',
    traceparent.replace(traceId, '0'.repeat(32)),
  ]) {
    const {context} = (await ask(core.url, {headers: {traceparent: bad}})).json();
    t.deepEqual(context.trace, {}, bad);
  }
  const {context} = (await ask(core.url, {headers: {traceparent, tracestate: 'a=1,b=2'}})).json();
  t.deepEqual(context.trace, {traceparent, tracestate: 'a=1,b=2'});
});

test('work is sent in the trace of its sender, and each attempt has a trace of its own that links there', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const folder = await mkdtemp(join(tmpdir(), 'spans-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const work = {CORE_WORK: 'on', CORE_WORK_ATTEMPTS: '2', CORE_JOURNAL: `sqlite:${folder}/journal.db`};
  const core = await startCore({...mirror, ...work, ...receiver.env}, t);
  const accepted = await ask(`${core.url}/?do=throw`, {headers: {traceparent, prefer: 'respond-async'}});
  t.is(accepted.status, 202);
  for (let status = ''; status !== 'dead-lettered'; await new Promise(resolve => setTimeout(resolve, 50)))
    ({status} = (await ask(new URL(accepted.field('location'), core.url).href, {})).json());
  t.is(await core.stop(), 0);

  const [request] = named(receiver.spans, 'GET mirror').filter(span => span.traceId === traceId);
  const [send] = named(receiver.spans, 'send work');
  t.like(send, {traceId, parentSpanId: request?.spanId, kind: kinds.producer});
  const attempts = named(receiver.spans, 'process work');
  t.deepEqual(
    attempts.map(({attributes}) => attributes['core.attempt']),
    [1, 2],
  );
  for (const attempt of attempts) {
    t.is(attempt.kind, kinds.consumer);
    t.falsy(attempt.parentSpanId);
    t.not(attempt.traceId, traceId);
    t.like(attempt.links?.[0], {traceId, spanId: send?.spanId});
    const [call] = named(receiver.spans, 'POST').filter(span => span.traceId === attempt.traceId);
    t.like(call, {parentSpanId: attempt.spanId, kind: kinds.client});
  }
});

test('one trace leads from the caller through the invocation to the proxy call and into the handler; a cold start shows the spawn in it', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const gate = await loadGate(t);
  const described = {
    SCW_APPLICATION_VERSION: '7',
    SCW_APPLICATION_MEMORY: '256',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  };
  const core = await startCore({...mirror, ...described, ...receiver.env, ...gate.env}, t);
  const early = ask(`${core.url}/deep?secret=1`, {headers: {traceparent}});
  await gate.openWhenWaiting(core, 1);
  const {context} = (await early).json();
  t.is((await ask(`${core.url}/?do=throw`)).status, 500);
  t.is(await core.stop(), 0);

  const [invocation] = named(receiver.spans, 'GET mirror').filter(span => span.traceId === traceId);
  const [call] = named(receiver.spans, 'POST').filter(span => span.traceId === traceId);
  const [spawn] = receiver.spans.filter(({name}) => name.startsWith('spawn '));
  t.like(invocation, {traceId, parentSpanId: '00f067aa0ba902b7', kind: kinds.server});
  t.like(invocation?.attributes, {
    'http.request.method': 'GET',
    'url.path': '/deep',
    'http.response.status_code': 200,
    'faas.trigger': 'http',
    'faas.coldstart': true,
  });
  t.like(call, {parentSpanId: invocation?.spanId, kind: kinds.client});
  t.like(call?.attributes, {'server.address': '127.0.0.1', 'http.response.status_code': 200});
  t.is(context.trace.traceparent, `00-${traceId}-${call?.spanId}-01`);
  t.like(spawn, {traceId, parentSpanId: invocation?.spanId, kind: kinds.internal});
  t.is(typeof spawn?.attributes['process.pid'], 'number');
  t.deepEqual(
    invocation?.events?.map(({name}) => name),
    ['queue.wait'],
  );
  t.like(invocation?.resource, {
    'service.name': 'mirror',
    'service.version': '7',
    'faas.name': 'mirror',
    'faas.version': '7',
    'faas.max_memory': 256 * 2 ** 20,
    'deployment.environment.name': 'test',
  });
  t.is(invocation?.resource['service.instance.id'], invocation?.resource['faas.instance']);
  t.regex(String(invocation?.resource['faas.instance']), /^[0-9a-f-]{36}$/);
  t.false(JSON.stringify(receiver.spans).includes('secret=1'));

  const failed = named(receiver.spans, 'GET mirror').find(span => span.traceId !== traceId);
  t.is(failed?.attributes['error.type'], 'HANDLER_FAILED');
  t.is(failed?.status.code, 2);
});

test('a start that no call waited for is a trace of its own, and so is one that failed', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const core = await startCore({...mirror, ...receiver.env, SCW_RUNTIME_BINARY: 'no-such-interpreter'}, t);
  await core.logged(({msg}) => msg.startsWith('The sub-runtime could not be started'));
  t.is(await core.stop(), 0);
  const [spawn] = named(receiver.spans, 'spawn no-such-interpreter');
  t.is(spawn?.parentSpanId ?? '', '');
  t.is(spawn?.status.code, 2);
  t.is(spawn?.attributes['error.type'], 'unspawnable');
  t.regex(String(spawn?.status.message), /was not found in PATH/);
});

const openMetrics = {accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'};

test('a caller that accepts OpenMetrics gets the trace of a sampled request with its buckets, and plain text stays plain after it', async t => {
  const core = await startCore(mirror, t);
  await ask(core.url, {headers: {traceparent: traceparent.replace(/01$/, '00')}});
  const before = await ask(`${core.adminUrl}/metrics`, {headers: openMetrics});
  t.notRegex(before.text(), /trace_id/);
  await ask(core.url, {headers: {traceparent}});
  for (const url of [`${core.adminUrl}/metrics`, `${core.url}/metrics`]) {
    const open = await ask(url, {headers: openMetrics});
    t.regex(open.field('content-type'), /^application\/openmetrics-text; version=1\.0\.0/);
    const samples = open
      .text()
      .split('\n')
      .filter(line => line.includes(`# {trace_id="${traceId}"} `));
    t.deepEqual(
      samples.map(line => line.replace(/\{.*/, '')),
      ['http_request_duration_seconds_bucket', 'faas_invoke_duration_seconds_bucket'],
    );
    t.regex(
      samples[1] ?? '',
      /^faas_invoke_duration_seconds_bucket\{function="mirror",le="[\d.]+",trigger="http"\} \d+ # \{trace_id="\w+"\} [\d.e-]+ \d{10}(\.\d+)?$/,
    );
    t.regex(open.text(), /^# TYPE http_requests counter$/m);
    t.regex(open.text(), /^http_requests_total\{function="mirror",code="200",method="GET"\} \d+$/m);
    t.regex(open.text(), /\n# EOF\n$/);
    const plain = await ask(url);
    t.regex(plain.field('content-type'), /^text\/plain; version=0\.0\.4/);
    t.regex(plain.text(), /^# TYPE http_requests_total counter$/m);
    t.notRegex(plain.text(), /trace_id|# EOF/);
  }
});

for (const level of ['debug', 'VERBOSE', 'all']) {
  test(`with OTEL_LOG_LEVEL=${level} what the SDK says is in our log, as JSON, from the start to the stop`, async t => {
    const receiver = await openReceiver();
    t.teardown(async () => receiver.close());
    const core = await startCore({...mirror, ...receiver.env, OTEL_LOG_LEVEL: level, OTEL_TRACES_EXPORTER: 'otlp,zipkin'}, t);
    t.is((await ask(`${core.url}/?do=env`)).json().OTEL_LOG_LEVEL, level);
    t.is(await core.stop(), 0); // a line that is no JSON has failed the run
    const said = core.logs.filter(({source}) => source === 'opentelemetry');
    t.true(said.some(({msg}) => msg.includes('items to be sent')));
    t.true(said.some(({msg}) => msg.includes('Zipkin')));
    t.true(said.every(line => ['debug', 'info', 'warn', 'error'].includes(line.level) && line.msg.length <= 2000));
    t.true(said.some(line => line.level === 'debug'));
    t.is(core.stderr(), '');
  });
}

for (const level of [undefined, 'none', 'error']) {
  test(`with OTEL_LOG_LEVEL=${level} the SDK does not log what goes well`, async t => {
    const receiver = await openReceiver();
    t.teardown(async () => receiver.close());
    const core = await startCore({...mirror, ...receiver.env, ...(level && {OTEL_LOG_LEVEL: level})}, t);
    await ask(core.url);
    t.is(await core.stop(), 0);
    t.false(core.logs.some(({source}) => source === 'opentelemetry'));
  });
}

test('members of OTEL_RESOURCE_ATTRIBUTES that can be read are in the resource, the others are reported', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const env = {OTEL_RESOURCE_ATTRIBUTES: 'good=1,bad,k=a=b,service.name=theirs', OTEL_LOG_LEVEL: 'loud'};
  const core = await startCore({...mirror, ...receiver.env, ...env}, t);
  await ask(core.url);
  t.is(await core.stop(), 0);
  t.like(receiver.spans[0]?.resource, {good: '1', k: 'a=b', 'service.name': 'theirs'});
  const doubts = core.logs.filter(({level, msg}) => level === 'warn' && /^OTEL_/.test(msg)).map(({msg}) => msg);
  t.is(doubts.length, 3);
  t.regex(doubts.join('\n'), /got `loud`: info is taken[\s\S]*`bad`: it is left out[\s\S]*%3D/);
});

test('OTEL_SDK_DISABLED wins over an endpoint', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const core = await startCore({...mirror, ...receiver.env, OTEL_SDK_DISABLED: 'true'}, t);
  await ask(core.url);
  t.is(await core.stop(), 0);
  t.deepEqual(receiver.spans, []);
});
