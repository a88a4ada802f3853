import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {findHandler} from '../../../src/dev/serverless/handler.ts';
import {interpreterOf, type Language} from '../../../src/dev/serverless/runtimes.ts';

/** A folder with files, each perhaps with its text behind `=`; those whose names end in `*` can be executed. */
function folderWith(t: ExecutionContext, ...files: string[]): string {
  const root = mkdtempSync(path.join(tmpdir(), 'core-runtime-serverless-'));
  t.teardown(() => rmSync(root, {recursive: true, maxRetries: 5}));
  for (const given of files) {
    const [name = '', text = ''] = given.replace('*', '').split('=');
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, file.endsWith('Cargo.toml') ? '[package]\nname = "crate"\n[dependencies]\nname = "no"\n' : text);
    if (given.endsWith('*')) chmodSync(file, 0o755);
  }
  return root;
}

for (const [language, handler, files, expected] of [
  [
    'node',
    'handler.handle',
    [],
    /^expected the handler in handler\.js or handler\.mjs or handler\.cjs or handler\.ts, and there is no such file$/,
  ],
  ['python', 'src/a.b', ['src/a.js'], /^expected the handler in src\/a\.py, /],
  ['node', 'src', ['src/index.js'], /expected the handler in src\.js/],
  [
    'go',
    'Handle',
    ['handler.go'],
    /^expected a built program in Handle, bin\/hello, hello, and there is none\. Write a main .* `go build -o bin\/hello \.\/cmd\/hello`/,
  ],
  ['go', 'mypackage/Handle', ['mypackage/handler.go=package main'], /none\. Build it with `go build -o bin\/hello \.\/mypackage`/],
  ['go', 'api', ['api/go.mod', 'api/main.go=package main'], /Build it with `cd api && go build -o handler \.`$/],
  ['go', 'src/testing', ['src/testing/handler.go'], /`go build -o bin\/hello \.\/cmd\/hello`/],
  ['go', 'Handle', ['bin/hello'], /and there is none/],
  ['rust', 'handler', ['Cargo.toml', 'src/handler.rs'], /cargo build/],
] as const) {
  test(`${handler} in ${language} with ${files.join(', ') || 'no file'} is not found, and the reason says what would be right`, t => {
    const found = findHandler({root: folderWith(t, ...files), name: 'hello', language: language satisfies Language, handler});
    t.regex('problem' in found ? found.problem : '', expected);
  });
}

for (const [language, handler, files, file, handlerName] of [
  ['node', 'handler.handle', ['handler.js'], 'handler.js', 'handle'],
  ['node', 'src/handlers/first.myHandler', ['src/handlers/first.js'], 'src/handlers/first.js', 'myHandler'],
  ['node', './src/a.b', ['src/a.mjs'], 'src/a.mjs', 'b'],
  ['node', 'handler.handle', ['handler.js', 'handler.ts'], 'handler.js', 'handle'],
  ['node', 'handler.handle', ['handler.ts'], 'handler.ts', 'handle'],
  ['node', 'my.api.handle', ['my.api.js'], 'my.api.js', 'handle'],
  ['node', 'handler', ['handler.js'], 'handler.js', undefined],
  ['node', 'src/handler.js', ['src/handler.ts'], 'src/handler.ts', undefined],
  ['python', 'handler.py', ['handler.py'], 'handler.py', undefined],
  ['php', 'handler', ['handler.php'], 'handler.php', undefined],
  ['go', 'Handle', ['bin/hello*'], 'bin/hello', undefined],
  ['go', '.', ['handler*'], 'handler', undefined],
  ['go', 'src/testing', ['src/testing/main*'], 'src/testing/main', undefined],
  ['go', 'build/api', ['build/api*'], 'build/api', undefined],
  ['rust', 'handler', ['Cargo.toml', 'target/release/crate*'], 'target/release/crate', undefined],
  ['rust', 'handler', ['target/debug/hello*', 'target/release/hello*'], 'target/debug/hello', undefined],
] as const) {
  test(`${handler} in ${language} with ${files.join(', ')} is ${file}`, t => {
    const root = folderWith(t, ...files);
    t.deepEqual(findHandler({root, name: 'hello', language: language satisfies Language, handler}), {
      handlerPath: path.join(root, file),
      handlerName,
      isBinary: language === 'go' || language === 'rust',
    });
  });
}

test('the interpreter of just this version is taken where the machine has it', t => {
  const root = folderWith(t, 'python3.11*', 'php8.2*', 'node-20*', 'python3.12', 'python3.9*');
  const found = (language: Language, version: string) =>
    interpreterOf({language, version}, `relative:/nowhere:${root}`, file => !file.endsWith('3.9'));
  t.is(found('python', '311'), path.join(root, 'python3.11'));
  t.is(found('php', '82'), path.join(root, 'php8.2'));
  t.is(found('node', '20'), path.join(root, 'node-20'));
  t.is(found('python', '312'), undefined);
  t.is(found('python', '39'), undefined, 'it does not run');
  t.is(found('python', ''), undefined);
  t.is(found('go', '122'), undefined);
});
