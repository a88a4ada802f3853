import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {cp, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, relative, resolve} from 'node:path';
import test from 'ava';
import {parseAllDocuments, stringify} from 'yaml';
import {projectFile} from '../helpers/core.ts';
import {cache, hasGo} from '../helpers/go.ts';

// The manifests as Kustomize itself puts them together, and the adapter's rules as the adapter itself reads them.

const kubernetes = projectFile('deploy/kubernetes');
const version = 'v5.8.2';
const withGo = hasGo ? test.serial : test.serial.skip;
const missing = hasGo ? '' : ': PATH has no go 1.26';

/** Built once and kept. @returns what it makes of a folder, of deploy/kubernetes unless the path is absolute */
function build(folder: string) {
  const home = join(cache, `kustomize-${version}`);
  const program = join(home, 'kustomize');
  if (!existsSync(program)) {
    const env = {...process.env, GOBIN: home};
    execFileSync('go', ['install', `sigs.k8s.io/kustomize/kustomize/v5@${version}`], {env, stdio: ['ignore', 'ignore', 'inherit']});
  }
  const text = execFileSync(program, ['build', resolve(kubernetes, folder)], {encoding: 'utf8'});
  return parseAllDocuments(text).map(document => document.toJS());
}

withGo(`the base has an image, and settings whose change rolls out${missing}`, t => {
  t.timeout(20 * 60_000);
  const manifests = build('base');
  const [container] = manifests.find(({kind}) => kind === 'Deployment').spec.template.spec.containers;
  const settings = manifests.find(({kind}) => kind === 'ConfigMap').metadata.name;
  t.is(container.image, 'registry.example/hello:1.0.0');
  t.regex(settings, /^hello-settings-\w+$/);
  t.is(container.envFrom[0].configMapRef.name, settings);
});

withGo(`KEDA takes the place of the autoscaler, and of nothing else${missing}`, t => {
  t.timeout(20 * 60_000);
  const kindsOf = (folder: string) => build(folder).map(({kind, metadata}) => `${kind} ${metadata.name}`);
  const replaced = kindsOf('base').map(name => name.replace('HorizontalPodAutoscaler', 'ScaledObject'));
  t.deepEqual(kindsOf('keda').toSorted(), replaced.toSorted());
});

withGo(`a function is called from outside and calls databases by components beside the base or KEDA${missing}`, async t => {
  t.timeout(20 * 60_000);
  for (const scaled of ['base', 'keda']) {
    const folder = await mkdtemp(join(tmpdir(), 'core-overlay-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    const [base, ...components] = [scaled, 'gateway', 'ingress', 'egress'].map(name => relative(folder, join(kubernetes, name)));
    await writeFile(join(folder, 'kustomization.yaml'), stringify({namespace: 'shop', resources: [base], components}));
    const manifests = build(folder);
    t.true(manifests.every(({metadata}) => metadata.namespace === 'shop'));
    t.deepEqual(manifests.flatMap(({kind}) => (['HTTPRoute', 'Ingress', 'NetworkPolicy'].includes(kind) ? [kind] : [])).toSorted(), [
      'HTTPRoute',
      'Ingress',
      'NetworkPolicy',
      'NetworkPolicy',
    ]);
  }
});

withGo(`the adapter provides what the autoscaler names, and asks for the pods of one function${missing}`, async t => {
  t.timeout(20 * 60_000);
  const folder = await mkdtemp(join(tmpdir(), 'core-adapter-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  await cp(projectFile('test/fixtures/adapter'), folder, {recursive: true});
  const env = {...process.env, GOFLAGS: '-mod=mod'}; // the sums are Go's to check and write
  const args = ['run', '.', join(kubernetes, 'adapter/values.yaml')];
  const provided = execFileSync('go', args, {cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
  const [scaler] = parseAllDocuments(await readFile(join(kubernetes, 'base/scaling.yaml'), 'utf8')).map(document => document.toJS());
  const name = scaler.spec.metrics[0].pods.metric.name;
  t.is(provided, `${name}\tsum by (pod) (${name}{namespace="shop",pod=~"hello-1|hello-2"})\n`);
});
