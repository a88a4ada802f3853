import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {parse, parseAllDocuments} from 'yaml';
import {joinSettings, parseConfig} from '../src/settings/config.ts';
import {checkNames} from '../src/settings/environment.ts';
import {parseSettings} from '../src/settings/setting.ts';
import {triggers} from '../triggers/index.ts';
import {projectFile} from './helpers/core.ts';
import {metricSources} from './helpers/metrics.ts';

// The manifests, without a cluster: whatever one names, another has.

const root = projectFile('deploy/kubernetes');

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds; a wrong path in a check fails it
type Manifest = any;
type Labels = Readonly<Record<string, string>>;

const container = 'spec.template.spec.containers.0';

/** Everything wrong between manifests, one line each. */
function problems(manifests: readonly Manifest[], {settings, metrics}: {settings: Labels; metrics: string}): string[] {
  const found: string[] = [];
  const say = (of: Manifest, problem: string) => found.push(`${of.kind} ${of.metadata.name}: ${problem}`);
  const all = (kind: string) => manifests.filter(manifest => manifest.kind === kind);
  const deployments = all('Deployment');
  const pods = deployments.map(({spec}) => spec.template);
  const isPod = (selector: Labels) => pods.some(({metadata}) => isPart(selector, metadata.labels));
  const containers = pods.flatMap(({spec}) => spec.containers);
  const portOf = (name: string) => containers.flatMap(({ports}) => ports).find(port => port.name === name)?.containerPort;

  for (const of of deployments) {
    const {selector, template} = of.spec;
    if (!isPart(selector.matchLabels, template.metadata.labels)) say(of, 'selects other pods than its own');
    for (const {labelSelector} of template.spec.topologySpreadConstraints) {
      if (!isPart(labelSelector.matchLabels, template.metadata.labels)) say(of, 'spreads other pods than its own');
    }
    for (const container of template.spec.containers) for (const problem of containerProblems(container, template.spec)) say(of, problem);
  }
  for (const of of all('Service')) {
    if (!isPod(of.spec.selector)) say(of, 'selects no pod');
    for (const {targetPort} of of.spec.ports) if (portOf(targetPort) === undefined) say(of, `port ${targetPort} is none of a container`);
  }
  for (const of of all('PodDisruptionBudget')) if (!isPod(of.spec.selector.matchLabels)) say(of, 'selects no pod');
  for (const of of all('NetworkPolicy')) {
    if (!isPod(of.spec.podSelector.matchLabels)) say(of, 'selects no pod');
    for (const {port} of of.spec.ingress.flatMap(({ports}: Manifest) => ports))
      if (portOf(port) === undefined) say(of, `lets in to ${port}, which is no port`);
    const otlp = Number(new URL(settings.OTEL_EXPORTER_OTLP_ENDPOINT ?? 'none:').port);
    if (!of.spec.egress.some(({ports}: Manifest) => ports.some(({port}: Manifest) => port === otlp)))
      say(of, `lets no span out to ${otlp}`);
  }
  for (const of of all('ServiceMonitor')) {
    const services = all('Service').filter(({metadata}) => isPart(of.spec.selector.matchLabels, metadata.labels));
    if (services.length !== 1) say(of, `selects ${services.length} services`);
    for (const {port, path} of of.spec.endpoints) {
      if (!services.some(({spec}) => spec.ports.some((each: Manifest) => each.name === port)))
        say(of, `port ${port} is none of the service`);
      if (path !== '/metrics') say(of, `${path} is not where the metrics are`);
    }
  }
  for (const of of [...all('HorizontalPodAutoscaler'), ...all('ScaledObject')]) {
    if (!deployments.some(({metadata}) => metadata.name === of.spec.scaleTargetRef.name)) say(of, 'scales nothing');
    const named = [
      ...(of.spec.metrics ?? []).map(({pods}: Manifest) => pods.metric.name),
      ...(of.spec.triggers ?? []).map(({metadata}: Manifest) => metadata.query),
    ];
    for (const text of named) {
      for (const name of String(text).match(/\b(?:http|faas|core)_[a-z_]+/g) ?? [])
        if (!metrics.includes(`'${name}'`)) say(of, `${name} is no metric`);
    }
    if (named.length === 0) say(of, 'looks at no metric');
  }
  return found;

  function* containerProblems(container: Manifest, pod: Manifest): Generator<string> {
    if (container.startupProbe) yield 'would be killed for a function that cannot be loaded';
    for (const [probe, expected] of [
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/livez'],
    ] as const) {
      const {path, port} = container[probe].httpGet;
      if (path !== expected) yield `${probe} asks ${path}`;
      if (portOf(port) !== 8090) yield `${probe} asks port ${port}`;
    }
    if (portOf('http') !== 8080) yield 'the public port is not 8080';
    const preStopS = Number(container.lifecycle.preStop.exec.command[1]);
    if (!(pod.terminationGracePeriodSeconds >= preStopS + 25 + 10)) yield 'is killed before it has drained';
    const volumes = pod.volumes.map(({name}: Manifest) => name);
    for (const {name} of container.volumeMounts) if (!volumes.includes(name)) yield `mounts ${name}, which is no volume`;
    if (!container.securityContext.readOnlyRootFilesystem || !pod.securityContext.runAsNonRoot) yield 'may write to its root, or be root';
    const known = new Set<string>(container.env.map(({name}: Manifest) => name));
    for (const {value = ''} of container.env)
      for (const [, name = ''] of String(value).matchAll(/\$\((\w+)\)/g)) if (!known.has(name)) yield `$(${name}) is not set`;
  }
}

const isPart = (part: Labels, whole: Labels) =>
  Object.entries(part).length > 0 && Object.entries(part).every(([key, value]) => whole[key] === value);

const documents = async (file: string): Promise<Manifest[]> =>
  parseAllDocuments(await readFile(path.join(root, file), 'utf8')).map(document => document.toJS());

async function base() {
  const kustomization = parse(await readFile(path.join(root, 'base/kustomization.yaml'), 'utf8'));
  const manifests = (await Promise.all(kustomization.resources.map((file: string) => documents(`base/${file}`)))).flat();
  const literals: string[] = kustomization.configMapGenerator[0].literals;
  const settings = Object.fromEntries(literals.map(literal => literal.split(/=(.*)/s)));
  return {kustomization, manifests, house: {settings, metrics: await metricSources()}};
}

/** What a sound base is changed to, at which place of which manifest, and what must be said of it. */
const broken: readonly [title: string, kind: string, place: string, value: unknown, problem: string][] = [
  ['labels that nobody selects', 'Deployment', 'spec.template.metadata.labels', {app: 'x'}, 'selects other pods than its own'],
  ['a probe of the function', 'Deployment', `${container}.livenessProbe.httpGet.path`, '/', 'livenessProbe asks /'],
  ['a probe of the public port', 'Deployment', `${container}.readinessProbe.httpGet.port`, 'http', 'readinessProbe asks port http'],
  ['too short a grace', 'Deployment', 'spec.template.spec.terminationGracePeriodSeconds', 30, 'is killed before it has drained'],
  ['a mount without volume', 'Deployment', 'spec.template.spec.volumes', [{name: 'data'}], 'mounts tmp, which is no volume'],
  ['a writable root', 'Deployment', `${container}.securityContext.readOnlyRootFilesystem`, false, 'may write to its root, or be root'],
  ['a variable that is not set', 'Deployment', `${container}.env.0.name`, 'POD', '$(POD_NAME) is not set'],
  ['a port of no container', 'Service', 'spec.ports.0.targetPort', 'web', 'port web is none of a container'],
  ['a budget of nothing', 'PodDisruptionBudget', 'spec.selector.matchLabels', {app: 'x'}, 'selects no pod'],
  ['a policy without a way to the collector', 'NetworkPolicy', 'spec.egress.1.ports.0.port', 4317, 'lets no span out to 4318'],
  ['a policy that lets in nowhere', 'NetworkPolicy', 'spec.ingress.0.ports.0.port', 'web', 'lets in to web, which is no port'],
  ['a monitor of nothing', 'ServiceMonitor', 'spec.selector.matchLabels', {app: 'x'}, 'selects 0 services'],
  ['a monitor of another path', 'ServiceMonitor', 'spec.endpoints.0.path', '/', '/ is not where the metrics are'],
  [
    'a metric that does not exist',
    'HorizontalPodAutoscaler',
    'spec.metrics.0.pods.metric.name',
    'http_in_flight',
    'http_in_flight is no metric',
  ],
  ['a target that does not exist', 'HorizontalPodAutoscaler', 'spec.scaleTargetRef.name', 'x', 'scales nothing'],
];

for (const [title, kind, place, value, problem] of broken) {
  test(`${title} is found`, async t => {
    const {manifests, house} = await base();
    const manifest = manifests.find(each => each.kind === kind);
    set(manifest, place.split('.'), value);
    const found = problems(manifests, house);
    t.true(found.includes(`${kind} hello: ${problem}`), found.join('\n'));
  });
}

function set(of: Manifest, [key = '', ...deeper]: readonly string[], value: unknown): void {
  if (deeper.length === 0) of[key] = value;
  else set(of[key], deeper, value);
}

test('the base is whole, and so is what KEDA scales', async t => {
  const {manifests, house} = await base();
  t.deepEqual(problems(manifests, house), []);
  const keda = await documents('keda/scaledobject.yaml');
  t.deepEqual(problems([...manifests.filter(({kind}) => kind !== 'HorizontalPodAutoscaler'), ...keda], house), []);
});

test('every manifest is part of its kustomization', async t => {
  for (const folder of ['base', 'keda']) {
    const {resources} = parse(await readFile(path.join(root, folder, 'kustomization.yaml'), 'utf8'));
    const files = (await readdir(path.join(root, folder))).filter(file => file !== 'kustomization.yaml');
    t.deepEqual(resources.filter((file: string) => file.endsWith('.yaml')).toSorted(), files.toSorted());
  }
});

test('the core takes the settings of each manifest', async t => {
  const {house} = await base();
  const [knative] = await documents('knative/service.yaml');
  const ofKnative = Object.fromEntries(knative.spec.template.spec.containers[0].env.map(({name, value}: Manifest) => [name, value]));
  for (const settings of [house.settings, ofKnative]) {
    const env = {...settings, SCW_HANDLER_PATH: '/home/app/function/handler'};
    const table = joinSettings(triggers);
    t.deepEqual(checkNames(table, env), []);
    t.notThrows(() => parseSettings(table, env));
  }
});

test('Knative gives the core longer than the core gives the function, and as many calls as it takes', async t => {
  const [{spec}] = await documents('knative/service.yaml');
  const {timeoutSeconds, containers} = spec.template.spec;
  const env = Object.fromEntries(containers[0].env.map(({name, value}: Manifest) => [name, value]));
  t.true(timeoutSeconds * 1000 > parseConfig({...env, SCW_HANDLER_PATH: '/a'}).timeoutMs);
  t.is(containers[0].ports[0].containerPort, 8080);
});

test('alerts know the job that the monitor makes', async t => {
  const {manifests} = await base();
  const {relabelings} = manifests.find(({kind}) => kind === 'ServiceMonitor').spec.endpoints[0];
  const alerts = await readFile(projectFile('deploy/alerts.yml'), 'utf8');
  t.true(alerts.includes(`job="${relabelings[0].replacement}"`));
});
