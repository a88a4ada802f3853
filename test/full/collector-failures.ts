import {readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {openRejecting, openRejectingGrpc, openSilent, openUnwilling} from '../helpers/collector.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {openReceiver} from '../helpers/otlp.ts';
import {ask} from '../helpers/request.ts';

// A collector that is dead, slow or unwilling costs spans, and nothing else.

const mirror = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror')};

/** Whoever waited for the collector would wait longer than the test may take. */
const patient = {
  OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
  OTEL_BSP_EXPORT_TIMEOUT: '600000',
  OTEL_BSP_SCHEDULE_DELAY: '1',
};

/** Asks the function until spans were dropped for this reason. @returns how many */
async function dropped(core: RunningCore, reason: string): Promise<number> {
  for (;;) {
    if ((await ask(core.url)).status !== 200) throw new Error('A reply was lost with the spans');
    const metrics = (await ask(`${core.adminUrl}/metrics`)).text();
    const [, spans] = new RegExp(`^core_spans_dropped_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(metrics) ?? [];
    if (Number(spans) > 0) return Number(spans);
  }
}

for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
  test(`over ${protocol}, a collector that never answers delays neither replies nor the stop, and what does not fit the queue is counted`, async t => {
    const core = await startCore(
      {
        ...mirror,
        ...patient,
        OTEL_EXPORTER_OTLP_ENDPOINT: await openSilent(t),
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_BSP_MAX_QUEUE_SIZE: '4',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
      },
      t,
    );
    t.true((await dropped(core, 'queue_full')) > 0);
    t.is(await core.stop(), 0);
  });
}

test('spans that the collector refuses are counted', async t => {
  const collector = await openUnwilling(t, 400);
  const core = await startCore({...mirror, OTEL_BSP_SCHEDULE_DELAY: '1', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint}, t);
  t.true((await dropped(core, 'not_taken')) > 0);
  t.is(await core.stop(), 0);
});

for (const [protocol, openCollector] of [
  ['http/protobuf', openRejecting],
  ['http/json', openRejecting],
  ['grpc', openRejectingGrpc],
] as const) {
  test(`over ${protocol}, spans that the collector says it rejected are counted, and logged with its reason`, async t => {
    const endpoint = await openCollector(t, 1);
    const env = {OTEL_BSP_SCHEDULE_DELAY: '1', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol};
    const core = await startCore({...mirror, ...env}, t);
    t.true((await dropped(core, 'not_taken')) > 0);
    const line = await core.logged(({msg}) => msg.startsWith('Spans are lost'));
    t.is(line.cause, 'too old');
    t.is(await core.stop(), 0);
  });
}

/** What the log says was lost, for this exporter. */
const toldLost = (core: RunningCore, exporter: string) =>
  core.logs
    .filter(line => line.msg.startsWith('Spans are lost') && line.exporter === exporter)
    .reduce((sum, {spans}) => sum + Number(spans), 0);

test('at the stop a collector that cannot be reached takes no time from one that can, and the spans that it does not get are logged', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const env = {
    OTEL_TRACES_EXPORTER: 'otlp,zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://127.0.0.1:9/api/v2/spans',
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  };
  const core = await startCore({...mirror, ...env, ...receiver.env}, t);
  for (let calls = 0; calls < 50; calls++) await ask(core.url);
  t.is(await core.stop(), 0);
  t.true(receiver.spans.length > 0);
  t.is(receiver.spans.length + toldLost(core, 'otlp'), 101); // on a busy machine two seconds may be too short for all
  t.is(toldLost(core, 'zipkin'), 101);
});

test('at the stop a long queue leaves in many small batches, whole', async t => {
  const receiver = await openReceiver();
  t.teardown(async () => receiver.close());
  const env = {OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_MAX_QUEUE_SIZE: '1000'};
  const core = await startCore({...mirror, ...env, ...receiver.env}, t);
  for (let calls = 0; calls < 50; calls++) await ask(core.url);
  t.is(await core.stop(), 0);
  t.is(receiver.spans.length + toldLost(core, 'otlp'), 101);
});

test('spans that a collector which never answers did not get by the end of the stop are logged', async t => {
  const env = {...patient, OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_EXPORTER_OTLP_ENDPOINT: await openSilent(t)};
  const core = await startCore({...mirror, ...env}, t);
  for (let calls = 0; calls < 5; calls++) await ask(core.url);
  t.is(await core.stop(), 0);
  t.is(toldLost(core, 'otlp'), 11);
  t.deepEqual(core.logs.find(({msg}) => msg.startsWith('Spans are lost'))?.reasons, {stopped: 11});
});

test('a collector that asks to come again later does not hold up the stop', async t => {
  const collector = await openUnwilling(t, 503);
  const core = await startCore({...mirror, ...patient, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint}, t);
  t.is((await ask(core.url)).status, 200);
  await collector.asked;
  t.is((await ask(core.url)).status, 200);
  t.is(await core.stop(), 0);
});

test('a collector that is not there holds up neither the start, nor replies, nor the stop', async t => {
  const core = await startCore({...mirror, ...patient, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9'}, t);
  t.is((await ask(core.url)).status, 200);
  t.is(await core.stop(), 0);
});

test('the SDK is loaded when an exporter is configured, and only then', async t => {
  for (const [title, env, isLoaded] of [
    ['unset', {}, false],
    ['none', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none'}, false],
    ['disabled', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true'}, false],
    ['set', {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9'}, true],
  ] as const) {
    const file = join(tmpdir(), `core-loaded-${process.pid}-${title}`);
    t.teardown(() => rm(file, {force: true}));
    const preload = `--import ${projectFile('test/fixtures/tell-loaded.mjs')}`;
    const core = await startCore({...mirror, ...env, NODE_OPTIONS: preload, LOADED_FILE: file}, t);
    t.is((await ask(core.url)).status, 200);
    t.is(await core.stop(), 0);
    const loaded = await readFile(file, 'utf8');
    t.regex(loaded, /\/src\/main\./, title);
    t.is(/@opentelemetry\/(sdk|exporter|instrumentation|resources)/.test(loaded), isLoaded, title);
  }
});
