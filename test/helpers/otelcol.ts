import {execFile, spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {constants} from 'node:fs';
import {access, mkdir, mkdtemp, readFile, rename, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {parse, stringify} from 'yaml';
import {projectFile, type Teardown} from './core.ts';
import {cache} from './go.ts';
import {type ReceivedSpan, spansOf} from './otlp.ts';
import {freePort} from './port.ts';
import {outputOf} from './process.ts';
import {ask} from './request.ts';

// A collector of the upstream project, built from its public Go modules.

const run = promisify(execFile);

/** @returns the program that the manifest describes, and how long its build took; 0 when it was built before */
export async function buildCollector(): Promise<{program: string; tookMs: number}> {
  const manifest = await readFile(projectFile('test/fixtures/collector/builder.yaml'), 'utf8');
  const program = join(cache, `otelcol-${createHash('sha256').update(manifest).digest('hex').slice(0, 12)}`);
  const isBuilt = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isBuilt) return {program, tookMs: 0};

  const startedAt = performance.now();
  await mkdir(cache, {recursive: true});
  const folder = await mkdtemp(join(cache, 'build-'));
  const [, version] = /collector\/cmd\/builder@(\S+)/.exec(manifest) ?? [];
  const described = parse(manifest);
  const config = join(folder, 'builder.yaml');
  await writeFile(config, stringify({...described, dist: {...described.dist, output_path: join(folder, 'target')}}));
  await run('go', ['run', `go.opentelemetry.io/collector/cmd/builder@${version}`, '--config', config], {maxBuffer: 2 ** 26});
  await rename(join(folder, 'target', described.dist.name), program);
  await rm(folder, {recursive: true});
  return {program, tookMs: performance.now() - startedAt};
}

/** The collector of the stack, but on free ports, without a wait and into files; it ends with the test. */
export async function startCollector(program: string, t: Teardown) {
  const folder = await mkdtemp(join(tmpdir(), 'core-collector-'));
  const [http, grpc, health, own] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const traces = join(folder, 'traces.json');
  const metrics = join(folder, 'metrics.json');
  const here = join(folder, 'here.yaml');
  const toFile = (path: string) => ({path, flush_interval: '100ms'});
  await writeFile(
    here,
    stringify({
      receivers: {otlp: {protocols: {http: {endpoint: `127.0.0.1:${http}`}, grpc: {endpoint: `127.0.0.1:${grpc}`}}}},
      processors: {tail_sampling: {decision_wait: '2s'}},
      connectors: {span_metrics: {metrics_flush_interval: '1s'}},
      exporters: {'file/traces': toFile(traces), 'file/metrics': toFile(metrics)},
      extensions: {health_check: {endpoint: `127.0.0.1:${health}`}},
      service: {
        pipelines: {'traces/sampled': {exporters: ['file/traces']}, metrics: {exporters: ['file/metrics']}},
        telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: '127.0.0.1', port: own}}}}]}},
      },
    }),
  );
  const child = spawn(program, ['--config', projectFile('otel-collector.yaml'), '--config', here], {
    env: {...process.env, TRACE_SAMPLING_PERCENTAGE: '100'},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr = outputOf(child.stderr);
  const ended = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await ended;
    await rm(folder, {recursive: true});
  });
  while (!(await answers(`http://127.0.0.1:${health}`))) if (child.exitCode !== null) throw new Error(`The collector ended: ${stderr()}`);
  // What stands behind the last newline is still being written.
  const lines = async (file: string) => (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return {
    http: `http://127.0.0.1:${http}`,
    grpc: `http://127.0.0.1:${grpc}`,
    /** Every span that came out so far. */
    spans: async (): Promise<ReceivedSpan[]> => (await lines(traces)).flatMap(line => spansOf(JSON.parse(line))),
    /** The names of the metrics that came out so far. */
    async metrics(): Promise<Set<string>> {
      const text = (await lines(metrics)).join('\n');
      return new Set([...text.matchAll(/"name":"([^"]+)","(?:description|unit|sum|histogram)"/g)].map(([, name = '']) => name));
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await ask(url)).status === 200;
  } catch {
    return false;
  }
}
