import {chmod} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {CommandFailed} from '../../src/command/failure.ts';
import {findFunction} from '../../src/dev/find.ts';
import {exit} from '../../src/exit.ts';
import {folderWith} from '../helpers/folder.ts';

type Files = Readonly<Record<string, string>>;

for (const [title, files, given, message] of [
  [
    'an empty folder',
    {},
    undefined,
    /has no handler: expected handler\.\*, index\.\* or `main` of package\.json\. Name one, such as `handler\.js`$/,
  ],
  ['a folder with other sources', {'app.js': '', 'lib.d.ts': '', 'app.test.js': ''}, '.', /It has app\.js: name one, such as `.*app\.js`$/],
  [
    'a folder of functions',
    {'api/handler.js': '', 'jobs/handler.py': '', 'lib/a.js': '', 'node_modules/handler.js': ''},
    '.',
    /has no handler, but folders with one: `core-runtime dev \S*api \S*jobs` serves them side by side$/,
  ],
  [
    'two handlers',
    {'handler.js': '', 'handler.py': ''},
    '.',
    /has several handlers: handler\.js, handler\.py\. Name one, such as `.*handler\.js`$/,
  ],
  ['a source and its compiled form', {'index.js': '', 'index.ts': ''}, '.', /has several handlers: index\.js, index\.ts\./],
  ['a handler beside a program', {'handler.js': '', handler: '#!/bin/sh\n'}, '.', /has several handlers: handler\.js, handler\./],
  ['a package.json that is no JSON', {'package.json': '{'}, '.', /package\.json cannot be read: /],
  [
    'a `main` that does not exist',
    {'package.json': '{"main": "app.js"}'},
    '.',
    /main of package\.json is `app\.js`, which does not exist\. Name one/,
  ],
  [
    'a path that does not exist',
    {},
    'nowhere.js',
    /expected a handler file, a folder or a program, got `nowhere\.js`, which does not exist$/,
  ],
  [
    'a path that several files complete',
    {'a.js': '', 'a.py': ''},
    'a',
    /several files fit `a`: \S+a\.js, \S+a\.py\. Name one with its extension$/,
  ],
  ['a document', {'a.txt': 'text'}, 'a.txt', /expected a program, or a handler with one of \.js .*\.php, got `\S+a\.txt`$/],
  ['a document that may be executed', {'a.bin': '\0\0'}, 'a.bin', /expected a program, or a handler/],
  [
    'a source in Go',
    {'main.go': 'package main'},
    'main.go',
    /^a function in Go is served as the program that it is built into: `cd \S+ && go build -o handler \.`, then `core-runtime dev \S+\/handler`$/,
  ],
  [
    'a package in Go that is no program',
    {'go.mod': 'module a', 'f.go': 'package f', 'f_test.go': 'package main'},
    '.',
    /has no `package main`: add one that calls `functions\.Start`/,
  ],
  ['a folder in Go', {'go.mod': 'module a', 'main.go': 'package main'}, '.', /^a function in Go is served as the program/],
  [
    'a source in Rust',
    {'Cargo.toml': '', 'src/main.rs': ''},
    'src/main.rs',
    /^a function in Rust .*: `cd \S+[^/] && cargo build --release`, then `core-runtime dev \S+target\/release\/<name>`$/,
  ],
  [
    'a crate before its first build',
    {'Cargo.toml': '[package]\nname = "handler"\n\n[dependencies]\nname = "other"\n', 'src/main.rs': ''},
    '.',
    /`core-runtime dev \S+target\/release\/handler`$/,
  ],
  [
    'a crate whose program has a name of its own',
    {'Cargo.toml': '[package]\nname = "a"\n\n[[bin]]\nname = "b"\n', 'src/main.rs': ''},
    '.',
    /target\/release\/b`$/,
  ],
  [
    'a crate of several programs',
    {'Cargo.toml': '[package]\nname = "a"\n\n[[bin]]\nname = "b"\n\n[[bin]]\nname = "c"\n', 'src/main.rs': ''},
    '.',
    /target\/release\/<name>`$/,
  ],
  [
    'a folder in Rust that was built',
    {'Cargo.toml': '', 'target/release/greet': '\x7fELF', 'target/release/greet.d': ''},
    '.',
    /`core-runtime dev \S+target\/release\/greet`$/,
  ],
] as const satisfies readonly (readonly [string, Files, string | undefined, RegExp])[]) {
  test(`${title} is refused: what would be right is said`, async t => {
    const folder = await folderWith(t, files);
    const error = t.throws(() => findFunction(given, folder), {instanceOf: CommandFailed, message});
    t.is(error?.exitCode, exit.misused);
  });
}

test('a program that may not be executed is refused with the remedy', async t => {
  const folder = await folderWith(t, {handler: '\x7fELF'});
  await chmod(path.join(folder, 'handler'), 0o644);
  t.throws(() => findFunction('handler', folder), {message: /`chmod \+x \S+\/handler`$/});
});

for (const [title, files, given, handler, isBinary] of [
  ['a handler', {'a.mjs': ''}, 'a.mjs', 'a.mjs', false],
  ['a handler without its extension', {'a.py': ''}, 'a', 'a.py', false],
  ['a folder with handler.php', {'handler.php': '', 'index.php': ''}, '.', 'handler.php', false],
  ['the current folder', {'handler.ts': ''}, undefined, 'handler.ts', false],
  ['a folder with index.js', {'index.js': '', 'lib.js': ''}, '.', 'index.js', false],
  [
    '`main` of package.json, before index.js',
    {'package.json': '{"main": "src/app.js"}', 'src/app.js': '', 'index.js': ''},
    '.',
    'src/app.js',
    false,
  ],
  ['`main` as Node completes it', {'package.json': '{"main": "lib"}', 'lib/index.js': ''}, '.', 'lib/index.js', false],
  ['index.js when `main` does not exist', {'package.json': '{"main": "app.js"}', 'index.js': ''}, '.', 'index.js', false],
  ['a program', {handler: '\x7fELF'}, 'handler', 'handler', true],
  ['a program in a folder', {handler: '\x7fELF', 'go.mod': '', 'main.go': ''}, '.', 'handler', true],
  ['a script that says its interpreter', {serve: '#!/bin/sh\n'}, 'serve', 'serve', true],
] as const satisfies readonly (readonly [string, Files, string | undefined, string, boolean])[]) {
  test(`found: ${title}`, async t => {
    const folder = await folderWith(t, files);
    t.deepEqual(findFunction(given, folder), {handlerPath: path.join(folder, handler), folder, isBinary});
  });
}

test('the folder of a handler that is named is the one that it is in', async t => {
  const folder = await folderWith(t, {'api/todos.js': ''});
  t.is(findFunction('api/todos.js', folder).folder, path.join(folder, 'api'));
});

test('settings that say what runs the handler let any file be one', async t => {
  const folder = await folderWith(t, {'a.txt': ''});
  t.is(findFunction('a.txt', folder, true).handlerPath, path.join(folder, 'a.txt'));
});
