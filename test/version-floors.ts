import {readFileSync} from 'node:fs';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {projectFile} from './helpers/core.ts';

/*
Versions below which a dependency does us harm, checked without a network against what is locked and what is installed.
*/

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  /** Only tools need it. */
  readonly dev?: boolean;
}

const read = (path: string) => JSON.parse(readFileSync(projectFile(path), 'utf8'));
const manifest: {
  engines: {node: string};
  allowScripts: Record<string, boolean>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  overrides: Record<string, string>;
} = read('package.json');
const locked: Record<string, LockedPackage> = read('package-lock.json').packages;

/** Package, the least version, the first one that is too new (if any), why. */
const floors: readonly (readonly [name: string, least: string, below: string | undefined, why: string])[] = [
  ['koa', '3.1.2', '4.0.0', 'the floor that was checked'],
  ['koa-compose', '4.2.0', '5.0.0', 'the double-next check that the stages’ tests know'],
  ['undici', '8.9.0', '9.0.0', 'the floor that was checked'],
  ['jsonwebtoken', '9.0.3', '10.0.0', 'what it leaves to its caller was checked for this one'],
  ['prom-client', '15.1.3', '16.0.0', 'metric names and positional observe() as used here'],
  ['got', '15.0.0', '17.0.0', 'retries and redirects are configured by these names'],
  ['@opentelemetry/api', '1.10.0', '2.0.0', 'logs are part of the API from here on'],
  ['@opentelemetry/sdk-node', '0.301.0', '0.302.0', 'plural options only; before 1.0 every minor may break'],
  ['@opentelemetry/instrumentation-http', '0.301.0', '0.302.0', 'goes with the SDK'],
  ['@opentelemetry/resources', '3.0.0', '4.0.0', 'goes with the SDK'],
  ['ava', '8.0.1', '9.0.0', 'runs TypeScript without a loader'],
  ['cbor2', '2.3.0', '2.4.0', 'later ones may be missing from a registry'],
  ['@biomejs/biome', '2.3.14', '2.6.0', '2.6.8 was incomplete for other platforms'],
  ['typescript', '7.0.0', '8.0.0', 'erasable syntax'],
  ['fast-check', '4.0.0', '5.0.0', 'prints seeds as the property tests tell them'],
];

const numbers = (version: string) => version.split(/[.-]/).slice(0, 3).map(Number);

/** Below 0 when a is the older. */
function compare(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? Number.NaN) - (right[index] ?? Number.NaN);
    if (difference !== 0) return difference;
  }
  return 0;
}

const isWithin = (version: string, least: string, below: string | undefined) =>
  compare(version, least) >= 0 && (below === undefined || compare(version, below) < 0) && !version.includes('-');

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

for (const [name, least, below, why] of floors) {
  test(`${name} is at least ${least}${below === undefined ? '' : `, below ${below}`}: ${why}`, t => {
    const copies = Object.entries(locked).filter(([path, {dev}]) => nameOf(path) === name && (!dev || path === `node_modules/${name}`));
    t.true(copies.length > 0, 'it is not in the lock file');
    for (const [path, {version}] of copies) t.true(isWithin(version, least, below), `${path} is ${version}`);
    const installed: string = read(`node_modules/${name}/package.json`).version;
    t.is(installed, locked[`node_modules/${name}`]?.version ?? '', 'what is installed is not what is locked');
  });
}

test('the Node that runs and the ones that come with the package agree with what the launcher asks for', t => {
  t.is(manifest.engines.node, '>=20', 'what the launcher itself needs');
  const isServed = (version: string) => isWithin(version, '24.16.0', '25.0.0') || isWithin(version, '26.1.0', undefined);
  t.true(isServed(process.versions.node), process.versions.node);
  const brought = Object.entries(manifest.optionalDependencies);
  t.true(brought.length > 0);
  for (const [name, version] of brought) {
    t.regex(name, /^node-(bin-)?(linux|darwin)-(x64|arm64)$/);
    t.is(version, brought[0]?.[1] ?? '');
    t.true(isServed(version), version);
  }
  for (const old of ['20.19.0', '22.22.0', '24.15.9', '25.9.0', '26.0.9']) t.false(isServed(old), old);
});

test('Node’s SQLite is not one that loses commits', t => {
  const database = new DatabaseSync(':memory:');
  const {version} = database.prepare('select sqlite_version() as version').get() as {version: string}; // one row, one column
  database.close();
  t.true(compare(version, '3.51.3') >= 0, version);
});

test('every direct dependency is pinned to one version', t => {
  for (const [name, range] of Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
    ...manifest.overrides,
  })) {
    t.regex(range, /^\d+\.\d+\.\d+$/, name);
  }
});

test('every package is locked by its content, and none is a link', t => {
  for (const [path, {integrity, link, resolved = ''}] of Object.entries(locked)) {
    if (path === '') continue;
    t.regex(integrity ?? '', /^sha512-/, path);
    t.falsy(link, path);
    t.notRegex(resolved, /^(git|http:|file:)/, path);
  }
});

test('no package runs a script when it is installed', t => {
  const scripted = Object.entries(locked).filter(([, {hasInstallScript}]) => hasInstallScript);
  t.deepEqual(scripted.map(([path]) => nameOf(path)).sort(), ['esbuild', 'protobufjs']);
  t.deepEqual(manifest.allowScripts, {esbuild: false, protobufjs: false});
});
