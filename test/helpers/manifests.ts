import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {parse, parseAllDocuments} from 'yaml';
import {projectFile} from './core.ts';
import {scrapedNames} from './metrics.ts';

export const kubernetesRoot = projectFile('deploy/kubernetes');

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds; a wrong path in a check fails it
export type Manifest = any;
type Labels = Readonly<Record<string, string>>;

/** What manifests are judged by. */
export interface House {
  readonly settings: Labels;
  /** Names of the metrics that a scrape has. */
  readonly metrics: ReadonlySet<string>;
  /** Names of the metrics of pods that the adapter provides. */
  readonly provided: readonly string[];
}

/** Everything wrong between manifests, one line each. */
export function problems(manifests: readonly Manifest[], {settings, metrics, provided}: House): string[] {
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
  const otlp = Number(new URL(settings.OTEL_EXPORTER_OTLP_ENDPOINT ?? 'none:').port);
  for (const of of all('NetworkPolicy')) {
    const {podSelector, ingress = [], egress = []} = of.spec;
    if (!isPod(podSelector.matchLabels)) say(of, 'selects no pod');
    for (const {port} of ingress.flatMap(({ports}: Manifest) => ports))
      if (portOf(port) === undefined) say(of, `lets in to ${port}, which is no port`);
    // One that only adds to another need not let spans out.
    if (ingress.length > 0 && !egress.some(({ports}: Manifest) => ports.some(({port}: Manifest) => port === otlp)))
      say(of, `lets no span out to ${otlp}`);
  }
  for (const of of [...all('Ingress'), ...all('HTTPRoute')]) {
    for (const {name, port} of backendsOf(of)) {
      const service = all('Service').find(({metadata}) => metadata.name === name);
      if (!service?.spec.ports.some((each: Manifest) => each.name === port || each.port === port))
        say(of, `leads to port ${port} of ${name}, which does not exist`);
      if (service?.metadata.labels['app.kubernetes.io/component'] === 'admin') say(of, 'shows the private listener');
    }
    if (!(longestWaitS(of) > 300)) say(of, 'gives up before the core does');
  }
  for (const of of all('ServiceMonitor')) {
    const services = all('Service').filter(({metadata}) => isPart(of.spec.selector.matchLabels, metadata.labels));
    if (services.length !== 1) say(of, `selects ${services.length} services`);
    for (const {port, path} of of.spec.endpoints) {
      if (!services.some(({spec}) => spec.ports.some((each: Manifest) => each.name === port)))
        say(of, `port ${port} is none of the service`);
      if (path !== '/metrics') say(of, `${path} is not where the metrics are`);
    }
    if (!services.every(({metadata}) => of.spec.jobLabel in metadata.labels)) say(of, `${of.spec.jobLabel} is no label of the service`);
  }
  for (const of of [...all('HorizontalPodAutoscaler'), ...all('ScaledObject')]) {
    if (!deployments.some(({metadata}) => metadata.name === of.spec.scaleTargetRef.name)) say(of, 'scales nothing');
    const named = [
      ...(of.spec.metrics ?? []).map(({pods}: Manifest) => pods.metric.name),
      ...(of.spec.triggers ?? []).map(({metadata}: Manifest) => metadata.query),
    ];
    for (const text of named) {
      for (const name of String(text).match(/\b(?:http|faas|core)_[a-z_]+/g) ?? []) if (!metrics.has(name)) say(of, `${name} is no metric`);
    }
    for (const {pods} of of.spec.metrics ?? [])
      if (!provided.includes(pods.metric.name)) say(of, `no rule of the adapter provides ${pods.metric.name}`);
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

/** The Services that a route leads to. */
const backendsOf = ({kind, spec}: Manifest): {name: string; port: string | number}[] =>
  kind === 'Ingress'
    ? spec.rules.flatMap(({http}: Manifest) =>
        http.paths.map(({backend: {service}}: Manifest) => ({name: service.name, port: service.port.name ?? service.port.number})),
      )
    : spec.rules.flatMap(({backendRefs}: Manifest) => backendRefs);

/** How long a route waits for the answer, in seconds. */
const longestWaitS = ({kind, metadata, spec}: Manifest): number =>
  kind === 'Ingress'
    ? Number(metadata.annotations['nginx.ingress.kubernetes.io/proxy-read-timeout'])
    : Math.min(
        ...spec.rules.flatMap(({timeouts}: Manifest) => Object.values<string>(timeouts)).map((time: string) => Number.parseInt(time, 10)),
      );

export const documents = async (file: string): Promise<Manifest[]> => parseAllDocuments(await read(file)).map(document => document.toJS());

const read = (file: string) => readFile(path.join(kubernetesRoot, file), 'utf8');

/** The base. @param name what the function is called instead of hello, in every file */
export async function base(name = 'hello') {
  const renamed = async (file: string) =>
    parseAllDocuments((await read(`base/${file}`)).replaceAll('hello', name)).map(each => each.toJS());
  const [kustomization] = await renamed('kustomization.yaml');
  const manifests: Manifest[] = (await Promise.all(kustomization.resources.map(renamed))).flat();
  const literals: string[] = kustomization.configMapGenerator[0].literals;
  const settings = Object.fromEntries(literals.map(literal => literal.split(/=(.*)/s)));
  const {rules} = parse(await read('adapter/values.yaml'));
  const provided = rules.custom.map(({seriesQuery}: Manifest) => /^\w+/.exec(seriesQuery)?.[0]);
  const house: House = {settings, metrics: await scrapedNames(), provided};
  return {kustomization, manifests, house};
}
