import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {loadGate} from '../helpers/gate.ts';
import {hasGo} from '../helpers/go.ts';
import {buildCollector, startCollector} from '../helpers/otelcol.ts';
import {kinds, type ReceivedSpan} from '../helpers/otlp.ts';
import {ask} from '../helpers/request.ts';
import {writeTrace} from '../helpers/trace-text.ts';

// The collector of the stack, built from its public Go modules, between real cores and a file.

const withGo = hasGo ? test.serial : test.serial.skip;
const missing = hasGo ? '' : ': PATH has no go 1.26';
/** A first build fetches some hundred modules. */
const longestBuildMs = 20 * 60_000;
/** Whoever waits longer waits for a span that does not come. */
const longestRunMs = 2 * 60_000;

withGo(`the collector takes its configuration as it is${missing}`, async t => {
  t.timeout(longestBuildMs);
  const {program, tookMs} = await buildCollector();
  t.log(tookMs === 0 ? 'built before' : `built in ${Math.round(tookMs / 1000)} s`);
  t.notThrows(() => execFileSync(program, ['validate', '--config', projectFile('otel-collector.yaml')], {stdio: 'pipe'}));
});

withGo(
  `one trace leads from the caller through the invocation to the call, in three languages, and the spans are counted${missing}`,
  async t => {
    t.timeout(longestBuildMs);
    const {program} = await buildCollector();
    t.timeout(longestRunMs);
    const collector = await startCollector(program, t);
    const gate = await loadGate(t);
    const languages = [
      {name: 'node', protocol: 'http/protobuf', env: gate.env},
      {
        name: 'python',
        protocol: 'grpc',
        env: {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/python/handlers.py'), SCW_HANDLER_NAME: 'echo'},
      },
      {name: 'go', protocol: 'http/json', env: await goFunction(t)},
    ];
    for (const {name, protocol, env} of languages) {
      const core = await startCore(
        {
          SCW_PUBLIC: 'true',
          SCW_APPLICATION_NAME: `hello-${name}`,
          OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? collector.grpc : collector.http,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          ...env,
        },
        t,
      );
      const caller = openCaller(collector.http);
      const called = ask(`${core.url}/greet`, {headers: {traceparent: caller.traceparent}});
      if (name === 'node') await gate.openWhenWaiting(core, 1); // whoever waits for the start has it in their trace
      t.is((await called).status, 200, name);
      await caller.end();
      t.is(await core.stop(), 0, name);

      const isWhole = (spans: readonly ReceivedSpan[]) =>
        ['caller', `GET hello-${name}`, 'POST'].every(part => spans.some(span => span.name === part));
      let found: ReceivedSpan[] = [];
      while (!isWhole(found)) found = (await collector.spans()).filter(({traceId}) => traceId === caller.traceId);
      const [root, invocation, call] = ['caller', `GET hello-${name}`, 'POST'].map(part => found.find(span => span.name === part));
      t.like(invocation, {parentSpanId: root?.spanId, kind: kinds.server}, name);
      t.like(call, {parentSpanId: invocation?.spanId, kind: kinds.client}, name);
      if (name === 'node')
        t.like(
          found.find(span => span.name === 'spawn node'),
          {parentSpanId: invocation?.spanId, kind: kinds.internal},
        );
      t.log(`\n${writeTrace(found)}`);
    }
    while (!(await collector.spans()).some(({name}) => name === 'spawn python3'));
    let counted = new Set<string>();
    while (!['traces.span.metrics.calls', 'traces.span.metrics.duration'].every(name => counted.has(name)))
      counted = await collector.metrics();
    t.pass();
  },
);

/** A caller with tracing of its own: its span goes to the same collector. */
function openCaller(endpoint: string) {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const nanoseconds = () => String(BigInt(Date.now()) * 1_000_000n);
  const startTimeUnixNano = nanoseconds();
  return {
    traceId,
    traceparent: `00-${traceId}-${spanId}-01`,
    async end(): Promise<void> {
      const span = {traceId, spanId, name: 'caller', kind: kinds.client, startTimeUnixNano, endTimeUnixNano: nanoseconds(), attributes: []};
      const resource = {attributes: [{key: 'service.name', value: {stringValue: 'caller'}}]};
      const body = JSON.stringify({resourceSpans: [{resource, scopeSpans: [{scope: {name: 'test'}, spans: [span]}]}]});
      const {status} = await ask(`${endpoint}/v1/traces`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
      if (status !== 200) throw new Error(`The collector refused the caller's span with ${status}`);
    },
  };
}

async function goFunction(t: ExecutionContext): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'core-go-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const program = join(folder, 'hello');
  execFileSync('go', ['build', '-o', program, '.'], {cwd: projectFile('examples/03-hello-go'), stdio: ['ignore', 'ignore', 'inherit']});
  return {SCW_HANDLER_PATH: program, SCW_HANDLER_IS_BINARY: 'true'};
}
