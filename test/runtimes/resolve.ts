import {chmod, mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {node} from '../../runtimes/node/adapter.ts';
import {python} from '../../runtimes/python/adapter.ts';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {ConfigurationError} from '../../src/errors.ts';
import type {FunctionSettings} from '../../src/settings/function.ts';

/** A directory with these empty files, gone when the test ends. */
async function directory(t: ExecutionContext, ...files: string[]): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'core-runtime-'));
  t.teardown(() => rm(dir, {recursive: true, maxRetries: 5}));
  for (const file of files) {
    await mkdir(path.dirname(path.join(dir, file)), {recursive: true});
    await writeFile(path.join(dir, file), '');
  }
  return dir;
}

const resolve = (some: Partial<FunctionSettings>) =>
  resolveFunction({
    handlerPath: undefined,
    command: undefined,
    handlerName: 'handle',
    handlerIsBinary: false,
    runtimeBinary: undefined,
    runtimeBridge: undefined,
    language: undefined,
    hop: 'auto',
    concurrency: undefined,
    lambdaPayload: '2.0',
    ...some,
  });

function refuses(t: ExecutionContext, some: Partial<FunctionSettings>, message: RegExp) {
  t.throws(() => resolve(some), {instanceOf: ConfigurationError, message});
}

test('without a handler path nothing can be served', t => {
  refuses(t, {}, /^SCW_HANDLER_PATH: expected the absolute path of the handler, got nothing$/);
});

test('a path that no file fits is refused, and what was tried is listed', async t => {
  const dir = await directory(t, 'handler.txt', 'handler.js.bak', 'other.js');
  refuses(
    t,
    {handlerPath: `${dir}/handler`},
    /got `.*\/handler`: no such file, and none with one of \.js \.cjs \.mjs \.ts \.py( \.\w+)* behind it$/,
  );
  refuses(t, {handlerPath: `${dir}/handler.js`}, /no such file/);
});

test('a path that several files fit is refused, and they are listed', async t => {
  const dir = await directory(t, 'handler.js', 'handler.py', 'handler.mjs');
  refuses(
    t,
    {handlerPath: `${dir}/handler`},
    /several files fit: .*handler\.js, .*handler\.mjs, .*handler\.py; name one with its extension$/,
  );
});

test('a directory is not a handler', async t => {
  const dir = await directory(t, 'handler.js/index.js');
  refuses(t, {handlerPath: `${dir}/handler.js`}, /no such file/);
  refuses(t, {handlerPath: dir}, /no such file/);
});

test('a file of a language without a bridge is refused', async t => {
  const dir = await directory(t, 'handler.rb', 'handler');
  refuses(t, {handlerPath: `${dir}/handler.rb`}, /expected an extension of .*; or set CORE_RUNTIME$/);
  refuses(t, {handlerPath: `${dir}/handler`}, /expected an extension of .*; or set CORE_RUNTIME$/);
});

test('an unknown CORE_RUNTIME is refused, and the known ones are listed', async t => {
  const dir = await directory(t, 'handler.js');
  for (const language of ['ruby', 'Node', '', 'constructor', '__proto__', 'toString']) {
    refuses(t, {handlerPath: `${dir}/handler.js`, language}, /^CORE_RUNTIME: expected one of node, python(, \w+)*, got `/);
  }
});

test('a binary that is missing, not executable or a directory is refused', async t => {
  const dir = await directory(t, 'handler', 'folder/x');
  for (const file of ['handler', 'missing', 'folder']) {
    refuses(t, {handlerPath: `${dir}/${file}`, handlerIsBinary: true}, /^SCW_HANDLER_PATH: expected an executable file, got `/);
  }
});

test('a bridge that does not exist is refused', async t => {
  const dir = await directory(t, 'handler.js');
  refuses(t, {handlerPath: `${dir}/handler.js`, runtimeBridge: `${dir}/index.js`}, /^SCW_RUNTIME_BRIDGE: expected an existing file/);
});

test('a foreign bridge whose interpreter is not known is refused', async t => {
  const dir = await directory(t, 'bridge.rb');
  refuses(
    t,
    {handlerPath: `${dir}/handler`, runtimeBridge: `${dir}/bridge.rb`},
    /^SCW_RUNTIME_BINARY: expected the interpreter that executes/,
  );
  refuses(
    t,
    {handlerPath: `${dir}/handler`, runtimeBridge: `${dir}/bridge.rb`, language: 'constructor'},
    /^SCW_RUNTIME_BINARY: expected the interpreter/,
  );
});

for (const [extension, adapter, language] of [
  ['.js', node, 'node'],
  ['.cjs', node, 'node'],
  ['.mjs', node, 'node'],
  ['.ts', node, 'node'],
  ['.py', python, 'python'],
] as const) {
  test(`a path without extension is completed with ${extension}`, async t => {
    const dir = await directory(t, `handler${extension}`, 'handler.txt', 'handlers.js', 'handler/index.js');
    for (const handlerPath of [`${dir}/handler`, `${dir}/handler${extension}`]) {
      const {command, ...rest} = resolve({handlerPath, handlerName: 'run'});
      const {missing, ...program} = command;
      t.is(missing !== undefined, adapter === python);
      t.deepEqual(
        {...rest, command: program},
        {
          language,
          handlerPath: `${dir}/handler${extension}`,
          handlerName: 'run',
          command: {file: adapter.interpreter, args: [adapter.bridge], readiness: 'report', concurrency: adapter.concurrency},
        },
      );
    }
  });
}

test('an interpreter that is looked up in PATH comes with what to do when it is not there', async t => {
  const dir = await directory(t, 'handler.php', 'handler.py', 'bridge.php');
  const missing = (file: string, more = {}) => resolve({handlerPath: `${dir}/${file}`, ...more}).command.missing ?? '';
  t.regex(missing('handler.php'), /^PHP is not installed \(php was not found in PATH\): install php-cli, or set SCW_RUNTIME_BINARY/);
  t.regex(missing('handler.php', {runtimeBridge: `${dir}/bridge.php`}), /^PHP is not installed/);
  t.regex(missing('handler.py'), /^Python is not installed \(python3 /);
  t.regex(missing('handler.py', {runtimeBinary: 'python3.14'}), /^SCW_RUNTIME_BINARY names python3\.14, and/);
  t.is(missing('handler.py', {runtimeBinary: process.execPath}), '');
});

test('Node handlers run in the core’s own Node by default, in the one that is set otherwise', async t => {
  const dir = await directory(t, 'handler.js');
  t.is(resolve({handlerPath: `${dir}/handler`}).command.file, process.execPath);
  t.is(resolve({handlerPath: `${dir}/handler`, runtimeBinary: 'node24'}).command.file, 'node24');
});

test('a name with an extension is taken as it is, also with other files beside it', async t => {
  const dir = await directory(t, 'handler.js', 'handler.py', 'handler.js.js');
  t.is(resolve({handlerPath: `${dir}/handler.js`}).handlerPath, `${dir}/handler.js`);
});

test('CORE_RUNTIME gives the language of a file whose extension does not', async t => {
  const dir = await directory(t, 'handler');
  const spec = resolve({handlerPath: `${dir}/handler`, language: 'python'});
  t.is(spec.language, 'python');
  t.is(spec.handlerPath, `${dir}/handler`);
  t.deepEqual(spec.command.args, [python.bridge]);
});

test('a foreign bridge gets the path as it was given', async t => {
  const dir = await directory(t, 'index.js', 'handler.js', 'handler.py');
  const spec = resolve({handlerPath: `${dir}/handler`, runtimeBridge: `${dir}/index.js`, runtimeBinary: process.execPath});
  t.deepEqual(spec, {
    language: 'foreign',
    handlerPath: `${dir}/handler`,
    handlerName: 'handle',
    command: {file: process.execPath, args: [`${dir}/index.js`], readiness: 'port', concurrency: 100},
  });
});

test('a foreign bridge runs in the interpreter of its language when none is set', async t => {
  const dir = await directory(t, 'index.js', 'server.py');
  t.is(resolve({handlerPath: '/missing', runtimeBridge: `${dir}/index.js`}).command.file, process.execPath);
  t.is(resolve({handlerPath: '/missing', runtimeBridge: `${dir}/server.py`}).command.file, 'python3');
  t.is(resolve({handlerPath: '/missing', runtimeBridge: `${dir}/index.js`, language: 'python'}).command.file, 'python3');
});

test('our own bridge, named explicitly or through a link, counts as ours', async t => {
  const dir = await directory(t, 'handler.js');
  await symlink(node.bridge, `${dir}/link.cjs`);
  for (const runtimeBridge of [node.bridge, `${dir}/link.cjs`, path.join(path.dirname(node.bridge), '..', 'node', 'bridge.cjs')]) {
    const spec = resolve({handlerPath: `${dir}/handler`, runtimeBridge});
    t.is(spec.language, 'node', runtimeBridge);
    t.is(spec.command.readiness, 'report');
    t.is(spec.handlerPath, `${dir}/handler.js`);
  }
});

test('our own bridge, named explicitly, gives the language', async t => {
  const dir = await directory(t, 'handler.mjs', 'run');
  t.is(resolve({handlerPath: `${dir}/run`, runtimeBridge: python.bridge}).language, 'python');
  t.deepEqual(resolve({handlerPath: `${dir}/handler`, runtimeBridge: python.bridge, language: 'node'}).command.args, [python.bridge]);
});

test('a binary is executed itself, also with other settings', async t => {
  const dir = await directory(t, 'handler');
  await chmod(`${dir}/handler`, 0o755);
  t.deepEqual(resolve({handlerPath: `${dir}/handler`, handlerIsBinary: true, runtimeBridge: '/missing', language: 'node'}), {
    language: 'binary',
    handlerPath: `${dir}/handler`,
    handlerName: 'handle',
    command: {file: `${dir}/handler`, args: [], readiness: 'port', concurrency: 100},
  });
});

test('for Lambda a program is run itself, and a handler by the client of its language', async t => {
  const dir = await directory(t, 'bootstrap', 'app.py', 'app.mjs', 'app.rb', 'own.py', 'node_modules/.bin/aws-lambda-ric', 'client.jar');
  await chmod(`${dir}/bootstrap`, 0o755);
  const lambda = {language: 'lambda', handlerName: 'handler'};
  refuses(t, {...lambda, handlerPath: `${dir}/nothing`}, /^SCW_HANDLER_PATH: expected an existing file, got `.*nothing`$/);
  refuses(t, {...lambda, handlerPath: `${dir}/app.rb`}, /expected a program, or a handler in Python or JavaScript, got `.*app\.rb`/);
  refuses(t, {...lambda, handlerPath: `${dir}/app.py`, handlerIsBinary: true}, /expected an executable file, got `.*app\.py`/);
  refuses(t, {...lambda, handlerPath: `${dir}/app.py`, runtimeBridge: `${dir}/none`}, /^SCW_RUNTIME_BRIDGE: expected an existing file/);
  refuses(t, {...lambda, handlerPath: `${dir}/bootstrap`, hop: 'http'}, /^CORE_HOP: expected `auto`/);
  refuses(t, {...lambda, handlerPath: `${dir}/bootstrap`, concurrency: 2}, /^CORE_CONCURRENCY: expected 1, .* got `2`; set CORE_WORKERS$/);
  const alone = await directory(t, 'app.js');
  refuses(t, {...lambda, handlerPath: `${alone}/app.js`}, /^SCW_HANDLER_PATH: expected aws-lambda-ric in a node_modules/);
  const started = (some: Partial<FunctionSettings>) => resolve({...lambda, ...some}).command.args.slice(1);
  const node = process.execPath;
  t.deepEqual(started({handlerPath: `${dir}/bootstrap`, lambdaPayload: '1.0'}), ['1.0', 'bootstrap', `${dir}/bootstrap`]);
  t.deepEqual(started({handlerPath: `${dir}/app.py`}), ['2.0', 'app.handler', 'python3', '-m', 'awslambdaric', '$_HANDLER']);
  t.deepEqual(started({handlerPath: `${dir}/app.mjs`}), [
    '2.0',
    'app.handler',
    node,
    `${dir}/node_modules/.bin/aws-lambda-ric`,
    '$_HANDLER',
  ]);
  const java = {handlerPath: `${dir}/app.rb`, runtimeBinary: 'java', runtimeBridge: `${dir}/client.jar`};
  t.deepEqual(started(java), ['2.0', 'app.handler', 'java', `${dir}/client.jar`, '$_HANDLER']);
  t.deepEqual(started({handlerPath: `${dir}/app.rb`, runtimeBinary: 'ruby'}), ['2.0', 'app.handler', 'ruby', '$_HANDLER']);
  t.like(resolve({...lambda, handlerPath: `${dir}/bootstrap`}), {language: 'lambda', command: {readiness: 'report', concurrency: 1}});
});
