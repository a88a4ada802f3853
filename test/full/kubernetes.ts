import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {parseAllDocuments} from 'yaml';
import {projectFile} from '../helpers/core.ts';
import {cache, hasGo} from '../helpers/go.ts';

// The manifests as Kustomize itself puts them together.

const version = 'v5.8.2';
const withGo = hasGo ? test.serial : test.serial.skip;
const missing = hasGo ? '' : ': PATH has no go 1.26';

/** Built once and kept. @returns what it makes of a folder of deploy/kubernetes */
function build(folder: string) {
  const home = join(cache, `kustomize-${version}`);
  const program = join(home, 'kustomize');
  if (!existsSync(program)) {
    const env = {...process.env, GOBIN: home};
    execFileSync('go', ['install', `sigs.k8s.io/kustomize/kustomize/v5@${version}`], {env, stdio: ['ignore', 'ignore', 'inherit']});
  }
  const text = execFileSync(program, ['build', projectFile(`deploy/kubernetes/${folder}`)], {encoding: 'utf8'});
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
