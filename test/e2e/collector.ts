import {readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {openSilent, openUnwilling} from '../helpers/collector.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
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
    t.regex(loaded, /node_modules\/koa\//, title);
    t.is(/@opentelemetry\/(sdk|exporter|instrumentation|resources)/.test(loaded), isLoaded, title);
  }
});
