import {existsSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {joinSettings} from '../src/settings/config.ts';
import {checkNames} from '../src/settings/environment.ts';
import {parseSettings} from '../src/settings/setting.ts';
import {triggers} from '../triggers/index.ts';
import {readEntries} from '../triggers/listed/entries.ts';
import {fillSecrets} from '../triggers/listed/secrets.ts';
import {messageSystems} from '../triggers/listed/systems.ts';
import {projectFile} from './helpers/core.ts';

// The compose files with a broker, without an engine: every part that one names is there, and the core takes its entry.

const folder = projectFile('examples/13-messages');

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

test('every message system has an example with its broker', async t => {
  const names = (await readdir(folder, {withFileTypes: true})).filter(each => each.isDirectory()).map(({name}) => name);
  t.deepEqual(names.filter(name => name !== 'function').toSorted(), Object.keys(messageSystems).toSorted());
});

for (const type of Object.keys(messageSystems)) {
  test(`the example with ${type} has a broker of a known version, its files, and an entry that the core takes`, async t => {
    const file = join(folder, type, 'compose.yaml');
    const {services, volumes} = parse(await readFile(file, 'utf8')) as {services: Record<string, Service>; volumes: object};
    for (const [name, {image, volumes: mounts = [], depends_on: waits = {}}] of Object.entries(services)) {
      t.regex(image, /:\d+\.\d+[\w.-]*$/, name);
      for (const wait of Object.keys(waits)) t.true(wait in services, wait);
      for (const [source = ''] of mounts.map(mount => mount.split(':')))
        t.true(source.startsWith('.') ? existsSync(join(dirname(file), source)) : source in volumes, source);
    }

    const {environment: env = {}} = services.runtime ?? {image: ''};
    const table = joinSettings(triggers);
    t.deepEqual(checkNames(table, Object.fromEntries(Object.keys(env).map(name => [name, '']))), []);
    parseSettings(table, {SCW_HANDLER_PATH: '/home/app/function/handler', ...env});
    const [entry, ...others] = readEntries(env.CORE_TRIGGERS ?? '');
    t.is(others.length, 0);
    t.is(entry?.type, type);
    if (!entry) return;
    const system = await messageSystems[type]?.();
    const options = fillSecrets(entry, env);
    t.notThrows(() => system?.read(options));
    const address = JSON.stringify(options.url ?? options.brokers ?? options.queue);
    const [, host = ''] = /(?:\/\/(?:\w+@)?|^")(\w+):\d+/.exec(address) ?? [];
    t.true(host in services, `${host} is a service`);
  });
}
