import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {joinSettings, parseConfig} from '../src/settings/config.ts';
import {checkNames} from '../src/settings/environment.ts';
import {parseSettings} from '../src/settings/setting.ts';
import {triggers} from '../triggers/index.ts';
import {projectFile} from './helpers/core.ts';
import {base, documents, type Manifest, problems, kubernetesRoot as root} from './helpers/manifests.ts';

// The manifests, without a cluster: whatever one names, another has.

const container = 'spec.template.spec.containers.0';

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
  ['a monitor whose jobs have no name', 'ServiceMonitor', 'spec.jobLabel', 'app', 'app is no label of the service'],
  ['a monitor of another path', 'ServiceMonitor', 'spec.endpoints.0.path', '/', '/ is not where the metrics are'],
  [
    'a metric that does not exist',
    'HorizontalPodAutoscaler',
    'spec.metrics.0.pods.metric.name',
    'http_in_flight',
    'http_in_flight is no metric',
  ],
  [
    'a metric that the adapter does not provide',
    'HorizontalPodAutoscaler',
    'spec.metrics.0.pods.metric.name',
    'core_queue_depth',
    'no rule of the adapter provides core_queue_depth',
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

test('the adapter asks for metrics that a scrape has', async t => {
  const {house} = await base();
  t.deepEqual(
    house.provided.filter(name => !house.metrics.has(name)),
    [],
  );
});

test('the base is whole, and so is what KEDA scales', async t => {
  const {manifests, house} = await base();
  t.deepEqual(problems(manifests, house), []);
  const keda = await documents('keda/scaledobject.yaml');
  t.deepEqual(problems([...manifests.filter(({kind}) => kind !== 'HorizontalPodAutoscaler'), ...keda], house), []);
});

for (const [folder, file, place, value, problem] of [
  ['ingress', 'ingress.yaml', 'spec.rules.0.http.paths.0.backend.service.port.name', 'x', 'leads to port x of hello, which does not exist'],
  ['ingress', 'ingress.yaml', 'metadata.annotations', {}, 'gives up before the core does'],
  ['gateway', 'route.yaml', 'spec.rules.0.timeouts.backendRequest', '60s', 'gives up before the core does'],
  ['gateway', 'route.yaml', 'spec.rules.0.backendRefs.0', {name: 'hello-admin', port: 8090}, 'shows the private listener'],
  ['egress', 'network.yaml', 'spec.podSelector.matchLabels', {app: 'x'}, 'selects no pod'],
] as const) {
  test(`${folder} is sound beside the base, and not with ${place} changed to ${JSON.stringify(value)}`, async t => {
    const {manifests, house} = await base();
    const [added] = await documents(`${folder}/${file}`);
    t.deepEqual(problems([...manifests, added], house), []);
    set(added, place.split('.'), value);
    t.deepEqual(problems([...manifests, added], house), [`${added.kind} ${added.metadata.name}: ${problem}`]);
  });
}

test('a copy of the base with another name stands beside the base: no manifest of one selects the other', async t => {
  const [hello, orders] = [await base(), await base('orders')];
  t.notRegex(JSON.stringify(orders.manifests), /hello/);
  t.is(orders.house.settings.SCW_APPLICATION_NAME, 'orders');
  t.deepEqual(problems([...hello.manifests, ...orders.manifests], hello.house), []);
});

test('every manifest is part of its kustomization', async t => {
  const files = await readdir(root, {recursive: true});
  const folders = files.filter(file => path.basename(file) === 'kustomization.yaml').map(file => path.dirname(file));
  t.deepEqual(folders.toSorted(), ['alerts', 'base', 'egress', 'gateway', 'ingress', 'keda', 'nats', 'postgres']);
  for (const folder of folders) {
    const {resources} = parse(await readFile(path.join(root, folder, 'kustomization.yaml'), 'utf8'));
    const files = (await readdir(path.join(root, folder))).filter(file => file.endsWith('.yaml') && file !== 'kustomization.yaml');
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

test('the job is called like the function: nothing gives it the same name for all of them', async t => {
  const {manifests} = await base();
  const {endpoints, jobLabel} = manifests.find(({kind}) => kind === 'ServiceMonitor').spec;
  t.deepEqual(
    endpoints.map(({relabelings}: Manifest) => relabelings),
    [undefined],
  );
  const admin = manifests.find(({kind, metadata}) => kind === 'Service' && metadata.name === 'hello-admin');
  t.is(admin.metadata.labels[jobLabel], 'hello');
});

test('the operator gets the alerts that Prometheus itself reads', async t => {
  const [{spec}] = await documents('alerts/rules.yaml');
  t.deepEqual(spec, parse(await readFile(projectFile('deploy/alerts.yml'), 'utf8')));
});
