import {readFile} from 'node:fs/promises';
import test from 'ava';
import {parse, parseAllDocuments} from 'yaml';
import {readPlace} from '../src/journals/index.ts';
import {joinSettings} from '../src/settings/config.ts';
import {checkNames} from '../src/settings/environment.ts';
import {parseSettings} from '../src/settings/setting.ts';
import {triggers} from '../triggers/index.ts';
import {projectFile} from './helpers/core.ts';

// What is deployed for several replicas, without an engine: whatever one file names, another has.

const read = (file: string) => readFile(projectFile(file), 'utf8');
const three = [1, 2, 3];

async function services() {
  return parse(await read('docker-compose.yml'), {merge: true}).services;
}

/** The journal that an environment names, and the hosts in it. */
function journalOf(env: Record<string, string>): {hosts: readonly string[]; isShared: boolean} {
  const given = {SCW_HANDLER_PATH: '/home/app/function/handler', ...env};
  const table = joinSettings(triggers);
  parseSettings(table, given);
  const names = Object.keys(given).filter(name => !name.startsWith('PG'));
  const problems = checkNames(table, Object.fromEntries(names.map(name => [name, ''])));
  if (problems.length > 0) throw new Error(problems.join());
  const place = readPlace(env.CORE_JOURNAL ?? '');
  const [, hosts = ''] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)\//.exec(env.CORE_JOURNAL ?? '') ?? [];
  return {hosts: hosts.split(',').map(host => host.replace(/:\d+$/, '')), isShared: place?.engine.isShared ?? false};
}

for (const profile of ['postgres', 'cluster']) {
  test(`the replicas of profile ${profile} share a journal on servers of that profile, which they wait for`, async t => {
    const all = await services();
    for (const number of three) {
      const replica = all[`${profile}-${number}`];
      const {hosts, isShared} = journalOf(replica.environment);
      t.true(isShared);
      t.deepEqual(hosts, Object.keys(replica.depends_on));
      for (const host of hosts) {
        t.deepEqual(all[host].profiles, [profile]);
        t.true(all[host].networks.includes(profile), host);
      }
      t.deepEqual(replica.networks[profile].aliases, [`replica-${number}`]);
    }
    const same = (number: number) => JSON.stringify({...all[`${profile}-${number}`], networks: undefined});
    t.is(new Set(three.map(same)).size, 1, 'replicas differ in their names only');
  });

  test(`the balancer of profile ${profile} leads to its replicas, and waits longer than a call may take`, async t => {
    const balancer = (await services())[`${profile}-balancer`];
    t.deepEqual(
      Object.keys(balancer.depends_on),
      three.map(number => `${profile}-${number}`),
    );
    t.true(profile in balancer.networks);
    const text = await read('deploy/many-machines/balancer.conf');
    t.deepEqual(
      [...text.matchAll(/server (replica-\d):8080/g)].map(([, name]) => name),
      three.map(number => `replica-${number}`),
    );
    const timeoutMs = parseSettings(joinSettings(triggers), {SCW_HANDLER_PATH: '/x'}).timeoutMs;
    t.true(Number(/proxy_read_timeout (\d+)s/.exec(text)?.[1]) * 1000 > timeoutMs);
  });
}

test('the replicas of both profiles differ in their journal only', async t => {
  const all = await services();
  const rest = (profile: string) => {
    const {CORE_JOURNAL, PGPASSWORD, ...same} = all[`${profile}-1`].environment;
    return same;
  };
  t.is(rest('postgres').CORE_WORK, 'on');
  t.deepEqual(rest('cluster'), rest('postgres'));
});

test('the page stops the one container and moves its journal before the replicas start, with the names of the compose file', async t => {
  const [page, all] = [await read('docs/many-machines.md'), await services()];
  t.true(all.runtime.volumes.includes('runtime:/var/lib/core-runtime'));
  for (const profile of ['postgres', 'cluster']) {
    const replica = all[`${profile}-1`];
    const steps = [
      `docker compose up --wait ${Object.keys(replica.depends_on).join(' ')}`,
      'docker compose stop runtime',
      'journal runtime journal export --payloads > all.ndjson',
      `journal ${profile}-1 journal import - --work < all.ndjson`,
      replica.environment.CORE_JOURNAL,
      `docker compose --profile ${profile} up --build --wait --scale runtime=0`,
    ];
    const places = steps.map(step => page.indexOf(step));
    t.false(places.includes(-1), `${profile}: ${places}`);
    t.deepEqual(
      places,
      places.toSorted((one, other) => one - other),
      profile,
    );
  }
});

for (const [file, names] of [
  ['deploy/many-machines/nats.conf', three.map(number => `nats-${number}`)],
  ['deploy/kubernetes/nats/nats.conf', three.map(number => `hello-nats-${number - 1}.hello-nats`)],
] as const) {
  test(`${file}: a write is on the disk before it is acknowledged, each server knows the others, and gives up connections that are dead`, async t => {
    const text = await read(file);
    // As the page says.
    for (const line of ['sync_interval: always', 'ping_interval: 1s', 'ping_max: 2']) {
      for (const one of [text, await read('docs/journal-nats.md')]) t.true(one.includes(`\n  ${line}\n`), line);
    }
    t.deepEqual(
      [...text.matchAll(/nats:\/\/([\w.-]+):6222/g)].map(([, name]) => name),
      [...names],
    );
  });
}

test('on Kubernetes the pods have a journal that they share, and may reach it', async t => {
  for (const folder of ['postgres', 'nats']) {
    const {patches, resources} = parse(await read(`deploy/kubernetes/${folder}/kustomization.yaml`));
    t.deepEqual(patches[0].target, {kind: 'Deployment', name: 'hello'});
    const operations = parse(patches[0].patch) as {path: string; value: {name: string; value?: string}}[];
    const env = Object.fromEntries(
      operations.filter(({path}) => path.endsWith('/env/-')).map(({value}) => [value.name, value.value ?? '']),
    );
    if (folder === 'nats') {
      const {hosts, isShared} = journalOf(env as Record<string, string>);
      t.true(isShared);
      t.deepEqual(
        hosts,
        three.map(number => `hello-nats-${number - 1}.hello-nats`),
      );
    } else t.true('CORE_JOURNAL' in env);
    t.is(env.CORE_WORK, 'on');
    t.is(operations.find(({path}) => path === '/spec/replicas')?.value as unknown, 3);
    t.deepEqual(patches[1].target, {kind: 'HorizontalPodAutoscaler', name: 'hello'});
    t.deepEqual(parse(patches[1].patch), [{op: 'replace', path: '/spec/minReplicas', value: 3}]);
    t.true(resources.includes('network.yaml'));
    const [policy] = parseAllDocuments(await read(`deploy/kubernetes/${folder}/network.yaml`)).map(each => each.toJS());
    const ports = policy.spec.egress.flatMap((rule: {ports: {port: number}[]}) => rule.ports.map(({port}) => port));
    t.true(ports.includes(folder === 'nats' ? 4222 : 5432));
  }
});

test('each server of NATS on Kubernetes has a disk and a machine of its own, and two are always there', async t => {
  const [servers, service, budget] = parseAllDocuments(await read('deploy/kubernetes/nats/servers.yaml')).map(each => each.toJS());
  t.is(servers.spec.replicas, 3);
  t.is(servers.spec.serviceName, service.metadata.name);
  t.is(servers.spec.volumeClaimTemplates.length, 1);
  t.is(servers.spec.template.spec.topologySpreadConstraints[0].whenUnsatisfiable, 'DoNotSchedule');
  t.is(budget.spec.maxUnavailable, 1);
});
