import {mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {findPackage} from '../../../triggers/listed/find.ts';
import {originOf} from '../../../triggers/listed/origin.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'found-')));
test.after.always(() => rmSync(folder, {recursive: true}));

/** Installs a package in the folder. @returns its folder */
function install(name: string, manifest: object | undefined, files: Record<string, string>): string {
  const home = join(folder, 'node_modules', name);
  for (const [file, text] of Object.entries({...(manifest && {'package.json': JSON.stringify({name, ...manifest})}), ...files})) {
    mkdirSync(join(home, file, '..'), {recursive: true});
    writeFileSync(join(home, file), text);
  }
  return home;
}

test('a package that is nowhere is not found; one that exports nothing like it says so', t => {
  t.is(findPackage('no-such-package', folder), undefined);
  install('closed', {exports: {'./other': './index.js'}}, {'index.js': ''});
  t.throws(() => findPackage('closed', folder), {code: 'ERR_PACKAGE_PATH_NOT_EXPORTED'});
});

for (const [title, manifest, file] of [
  ['can only be imported', {type: 'module', exports: {import: './lib/index.js'}}, 'lib/index.js'],
  ['names its file', {type: 'module', exports: './lib/index.js'}, 'lib/index.js'],
  ['has a main', {main: 'lib'}, 'lib/index.js'],
  ['has no manifest', undefined, 'index.js'],
] as const) {
  test(`a package that ${title} is found`, t => {
    const home = install(`@tests/${title.replaceAll(' ', '-')}`, manifest, {[file]: ''});
    t.deepEqual(findPackage(`@tests/${title.replaceAll(' ', '-')}`, folder), {file: join(home, file), folder: home});
  });
}

test('a path is found from the folder', t => {
  const home = install('by-path', undefined, {'index.js': ''});
  t.deepEqual(findPackage('./node_modules/by-path', folder), {file: join(home, 'index.js'), folder: home});
  t.deepEqual(findPackage(join(home, 'index.js'), folder), {file: join(home, 'index.js'), folder: home});
});

const errorAt = (...files: string[]) =>
  Object.assign(new Error('x'), {stack: ['Error: x', ...files.map(file => `    at run (${file}:1:2)`)].join('\n')});

test('an error is of the entries whose package stands in its stack', t => {
  const homes = [
    {name: 'orders', folder: '/app/node_modules/inbox'},
    {name: 'own', folder: '/app'},
    {name: 'bills', folder: '/app/node_modules/inbox'},
  ];
  t.is(originOf(errorAt('node:internal/timers', 'file:///app/node_modules/inbox/lib/a%20b.js'), homes), 'orders, bills');
  t.is(originOf(errorAt('/app/node_modules/inbox/node_modules/dep/index.js'), homes), 'orders, bills');
  t.is(originOf(errorAt('/app/lib/poll.mjs'), homes), 'own');
  t.is(originOf(errorAt('/app/node_modules/inbox-2/index.js', '/elsewhere/x.js'), homes), undefined);
  t.is(
    originOf(errorAt(import.meta.filename.replace('test/', 'src/')), [{name: 'own', folder: join(import.meta.dirname, '../../..')}]),
    undefined,
  );
});

test('an error without a stack may be of each entry, and whatever is thrown can be looked at', t => {
  const homes = [{name: 'orders', folder: '/app'}];
  const throwing = new Proxy(new Error('x'), {
    get() {
      throw new Error('not even so');
    },
  });
  for (const error of [
    'text',
    undefined,
    null,
    Object.create(null),
    throwing,
    errorAt(),
    errorAt('node:internal/process/promises'),
    errorAt('file:///%'),
  ]) {
    t.is(originOf(error, homes), 'unknown; perhaps orders');
    t.is(originOf(error, []), undefined);
  }
});
