import {access, readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {scrapedNames} from './helpers/metrics.ts';

const root = path.resolve(import.meta.dirname, '..');

type Table = Record<string, unknown>;

const kinds = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;

/** Names that the collector still takes but warns about, and what replaces them. */
const retired: Record<string, string> = {
  batch: 'sending_queue: {batch: {}} of each exporter',
  otlp: 'otlp_grpc', // as an exporter; the receiver keeps the name
  otlphttp: 'otlp_http',
  spanmetrics: 'span_metrics',
};

/** Everything wrong with a collector's configuration, one line each. */
function collectorProblems(text: string): string[] {
  const document = parse(text) as Table;
  const defined = (kind: string) => Object.keys(table(document[kind]));
  const service = table(document.service);
  const used = {receivers: new Set<string>(), processors: new Set<string>(), exporters: new Set<string>()};
  for (const pipeline of Object.values(table(service.pipelines))) {
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      for (const name of list(table(pipeline)[kind])) used[kind].add(name);
    }
  }
  const problems: string[] = [];
  const extensions = new Set(list(service.extensions));
  const connectors = defined('connectors');

  for (const kind of ['receivers', 'exporters'] as const) {
    const known = [...defined(kind), ...connectors];
    for (const name of used[kind]) if (!known.includes(name)) problems.push(`${kind}: ${name} is used, not defined`);
    for (const name of defined(kind)) if (!used[kind].has(name)) problems.push(`${kind}: ${name} is defined, not used`);
    for (const name of connectors) {
      if (!used[kind].has(name)) problems.push(`connectors: ${name} is not among the ${kind} of a pipeline`);
    }
  }
  for (const [kind, names] of [
    ['processors', used.processors],
    ['extensions', extensions],
  ] as const) {
    for (const name of names) if (!defined(kind).includes(name)) problems.push(`${kind}: ${name} is used, not defined`);
    for (const name of defined(kind)) if (!names.has(name)) problems.push(`${kind}: ${name} is defined, not used`);
  }
  for (const kind of kinds) {
    for (const name of defined(kind)) {
      const replacement = kind === 'receivers' ? undefined : retired[name.split('/')[0] ?? ''];
      if (replacement) problems.push(`${kind}: ${name} is retired for ${replacement}`);
    }
  }
  for (const [name, exporter] of Object.entries(table(document.exporters))) {
    if (!('batch' in table(table(exporter).sending_queue))) problems.push(`exporters: ${name} does not batch`);
  }
  return problems;
}

/** Everything wrong with a compose file, one line each; `exists` tells whether the repository holds a path. */
async function composeProblems(text: string, exists: (file: string) => Promise<boolean>): Promise<string[]> {
  const document = parse(text, {merge: true}) as Table;
  const volumes = Object.keys(table(document.volumes));
  const problems: string[] = [];
  for (const [name, value] of Object.entries(table(document.services))) {
    const service = table(value);
    const limits = table(table(table(service.deploy).resources).limits);
    if (!isPinned(String(service.image ?? ''))) problems.push(`${name}: the image ${service.image} is not pinned`);
    if (list(table(service.healthcheck).test).length === 0) problems.push(`${name}: no health check`);
    for (const limit of ['cpus', 'memory', 'pids']) if (!limits[limit]) problems.push(`${name}: no limit of ${limit}`);
    if (service.read_only !== true) problems.push(`${name}: the root is writable`);
    if (!/^[1-9]\d*:/.test(String(service.user ?? ''))) problems.push(`${name}: runs as root, or as nobody knows whom`);
    for (const port of list(service.ports)) {
      if (!port.startsWith('127.0.0.1:')) problems.push(`${name}: port ${port} is open to the network`);
    }
    for (const mount of list(service.volumes)) {
      const [source = ''] = mount.split(':');
      const found = source.startsWith('.') ? await exists(source) : volumes.includes(source);
      if (!found) problems.push(`${name}: ${source} does not exist`);
    }
  }
  return problems;
}

function isPinned(image: string): boolean {
  const tag = /:([^/]+)$/.exec(image)?.[1];
  return tag !== undefined && tag !== 'latest' && /\d/.test(tag);
}

function table(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? {...value} : {};
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

async function isInRepository(file: string): Promise<boolean> {
  return access(path.join(root, file)).then(
    () => true,
    () => false,
  );
}

/** A collector without fault, to be broken in one way. */
const sound = `
receivers: {otlp: {}}
processors: {memory_limiter: {}}
connectors: {forward: {}}
exporters: {otlp_grpc: {sending_queue: {batch: {}}}}
extensions: {health_check: {}}
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter], exporters: [forward]}
    traces/2: {receivers: [forward], exporters: [otlp_grpc]}
`;

const broken: [title: string, from: string, to: string, problem: string][] = [
  ['an unknown receiver', 'receivers: [otlp]', 'receivers: [otlp, zipkin]', 'receivers: zipkin is used, not defined'],
  ['an unused receiver', 'receivers: {otlp: {}}', 'receivers: {otlp: {}, zipkin: {}}', 'receivers: zipkin is defined, not used'],
  ['an unknown processor', 'processors: [memory_limiter]', 'processors: [memory_limiter, x]', 'processors: x is used, not defined'],
  ['an unused processor', 'processors: [memory_limiter]', 'processors: []', 'processors: memory_limiter is defined, not used'],
  ['an unknown extension', '[health_check]', '[health_check, x]', 'extensions: x is used, not defined'],
  ['an unused extension', '[health_check]', '[]', 'extensions: health_check is defined, not used'],
  ['a connector with one end', 'receivers: [forward]', 'receivers: [otlp]', 'connectors: forward is not among the receivers of a pipeline'],
  ['an exporter that does not batch', '{batch: {}}', '{}', 'exporters: otlp_grpc does not batch'],
];

for (const [title, from, to, problem] of broken) {
  test(`${title} is found`, t => {
    t.true(sound.includes(from));
    t.deepEqual(collectorProblems(sound.replace(from, to)), [problem]);
  });
}

test('a batch processor is found', t => {
  t.deepEqual(collectorProblems(sound.replaceAll('memory_limiter', 'batch/2')), [
    'processors: batch/2 is retired for sending_queue: {batch: {}} of each exporter',
  ]);
});

test('an old name of an exporter is found', t => {
  t.deepEqual(collectorProblems(sound.replaceAll('otlp_grpc', 'otlphttp')), ['exporters: otlphttp is retired for otlp_http']);
});

test('the collector of the stack is whole, batches and uses current names', async t => {
  t.deepEqual(collectorProblems(sound), []);
  t.deepEqual(collectorProblems(await readFile(path.join(root, 'otel-collector.yaml'), 'utf8')), []);
});

test('the collector keeps errors and slow traces, and counts spans before it samples', async t => {
  const {processors, service} = parse(await readFile(path.join(root, 'otel-collector.yaml'), 'utf8'));
  const kept = processors.tail_sampling.policies.map((policy: {type: string}) => policy.type);
  t.true(kept.includes('status_code'));
  t.true(kept.includes('latency'));
  const counted = Object.values<Table>(service.pipelines).find(pipeline => list(pipeline.exporters).includes('span_metrics'));
  t.false(list(counted?.processors).includes('tail_sampling'));
  for (const pipeline of Object.values<Table>(service.pipelines).filter(({receivers}) => list(receivers).includes('otlp'))) {
    t.is(list(pipeline.processors)[0], 'memory_limiter');
  }
});

test('a careless service is found', async t => {
  const careless = `
services:
  a: {image: 'registry:5000/a', ports: ['80:80'], volumes: ['./gone:/x', 'data:/y']}
  b: {image: 'b:latest', user: '0:0', read_only: false, healthcheck: {disable: true}}
`;
  t.deepEqual(await composeProblems(careless, async () => false), [
    'a: the image registry:5000/a is not pinned',
    'a: no health check',
    'a: no limit of cpus',
    'a: no limit of memory',
    'a: no limit of pids',
    'a: the root is writable',
    'a: runs as root, or as nobody knows whom',
    'a: port 80:80 is open to the network',
    'a: ./gone does not exist',
    'a: data does not exist',
    'b: the image b:latest is not pinned',
    'b: no health check',
    'b: no limit of cpus',
    'b: no limit of memory',
    'b: no limit of pids',
    'b: the root is writable',
    'b: runs as root, or as nobody knows whom',
  ]);
});

test('the stack is pinned, checked, limited and closed, and holds the files it mounts', async t => {
  const text = await readFile(path.join(root, 'docker-compose.yml'), 'utf8');
  t.deepEqual(await composeProblems(text, isInRepository), []);
});

test('people who look at the dashboards can neither log in nor change them', async t => {
  const {services} = parse(await readFile(path.join(root, 'docker-compose.yml'), 'utf8'), {merge: true});
  const settings = services.grafana.environment;
  t.is(settings.GF_AUTH_ANONYMOUS_ORG_ROLE, 'Viewer');
  t.is(settings.GF_AUTH_DISABLE_LOGIN_FORM, 'true');
  t.is(settings.GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION, 'true');
});

test('dashboards and alerts name metrics that a scrape has', async t => {
  const scraped = await scrapedNames();
  const watched = await Promise.all(
    ['deploy/alerts.yml', 'deploy/grafana/dashboards/core-runtime.json'].map(file => readFile(path.join(root, file), 'utf8')),
  );
  const names = new Set(watched.join('\n').match(/\b(?:http|faas|core|process)_[a-z_]+(?=[{[ )]|$)/gm));
  t.true(names.size > 10);
  for (const name of names) t.true(scraped.has(name.replace(/_bucket$/, '')), name);
});

test('the collector that the long suite builds is the one that the stack runs', async t => {
  const {services} = parse(await readFile(path.join(root, 'docker-compose.yml'), 'utf8'), {merge: true});
  const manifest = await readFile(path.join(root, 'test/fixtures/collector/builder.yaml'), 'utf8');
  const built = new Set(manifest.match(/\bv\d+\.\d+\.\d+\b/g));
  t.deepEqual([...built], [`v${services['otel-collector'].image.split(':')[1]}`]);
});
