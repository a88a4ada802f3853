import path from 'node:path';
import test from 'ava';
import {CommandFailed} from '../../src/command/failure.ts';
import {ConfigurationError} from '../../src/errors.ts';
import {chooseFunction} from '../../src/invoke/choose.ts';
import {runCli as cli, type Teardown} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';

const handler = `
const answer = which => async ({path}, {functionName, memoryLimitInMb}) =>
  ({body: [which, functionName, memoryLimitInMb, process.env.GREETING, process.env.KEY, path].join(' ')});
exports.handle = answer('handle');
exports.other = answer('other');
exports.never = () => new Promise(() => {});
`;
const variable = (name: string) => `$\{${name}}`;
const oneFunction = `
provider: {name: scaleway, runtime: node22}
functions:
  hello: {handler: api/handler.other, privacy: private, env: {GREETING: hi}}
`;
const several = `
provider: {name: scaleway, runtime: node22, env: {GREETING: hello}, secret: {KEY: "${variable('MY_KEY')}"}}
functions:
  hello: {handler: api/handler.other, privacy: private, memoryLimit: 512, env: {GREETING: hi}}
  slow: {handler: api/handler.never, timeout: 300ms, custom_domains: [a.example]}
  lost: {handler: lost/handler.handle}
`;

const choose = (given: string | undefined, name?: string, env = {}) => chooseFunction({given, name, envFile: undefined}, env);

for (const [title, manifest, below, name, expected] of [
  [
    'none of several functions named',
    several,
    '',
    undefined,
    /has several functions: hello, slow, lost\. Choose one, as in `--name hello`\n/,
  ],
  ['a manifest that was not asked for', several, '', undefined, /\nname a handler to call it without the file, as in `core-runtime invoke/],
  ['an unknown name', several, '', 'helo', /--name: expected a function of .*serverless\.yml \(hello, slow, lost\), got `helo`$/],
  ['another name than that of the only function', oneFunction, '', 'x', /--name: expected a function of .* \(hello\), got `x`$/],
  ['a function that is not there', several, '', 'lost', /^lost: expected the handler in lost\/handler\.js/],
  [
    'a name for a folder without a manifest',
    several,
    'api',
    'hello',
    /^--name: chooses a function of a serverless\.yml, and `.*api` is none/,
  ],
  ['a manifest that does not exist', several, 'serverless.dev.yml', undefined, /serverless\.dev\.yml cannot be read: ENOENT.*$/],
] as const) {
  test(`${title} is refused`, async t => {
    const folder = await project(t, manifest);
    const error = await t.throwsAsync(choose(path.join(folder, below), name), {instanceOf: CommandFailed});
    t.is(error?.exitCode, 64);
    t.regex(error?.message ?? '', expected);
  });
}

test('a name where the current folder has no manifest is refused', async t => {
  await t.throwsAsync(choose(undefined, 'x'), {message: /^--name: .* and the current folder has none$/});
});

test('a manifest with a mistake is refused with its line', async t => {
  const folder = await project(t, 'provider: {name: aws}');
  await t.throwsAsync(choose(folder), {instanceOf: ConfigurationError, message: /serverless\.yml:1: provider\.name: expected scaleway/});
});

const project = (t: Teardown, manifest = several) =>
  folderWith(t, {'serverless.yml': manifest, 'api/handler.js': handler, '.env': 'MY_KEY=k1\n'});

test('a function of the manifest has its handler, name, variables, secrets and memory, and needs no token', async t => {
  const folder = await project(t);
  const {code, stdout, stderr} = await cli(['invoke', '--name', 'hello', '--path', '/x'], {SCW_HANDLER_NAME: 'handle'}, folder);
  t.is(code, 0, stderr);
  t.is(stdout, 'other hello 512 hi k1 /x');
  t.regex(stderr, /^core-runtime: SCW_HANDLER_NAME has no effect on a function of serverless\.yml\n/);
});

test('settings of the manifest count, and notes are about the function that was chosen', async t => {
  const folder = await project(t);
  const {environment, notes} = await choose(folder, 'slow');
  t.like(environment, {CORE_TIMEOUT: '300ms', SCW_HANDLER_NAME: 'never', GREETING: 'hello'});
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /serverless\.yml:5: functions\.slow: custom_domains has no effect/);
  t.deepEqual((await choose(folder, 'hello')).notes, []);
});

test('the only function of a manifest needs no name; the environment comes before the manifest', async t => {
  const folder = await project(t, oneFunction);
  t.like(await choose(folder), {
    folder,
    environment: {SCW_APPLICATION_NAME: 'hello', SCW_HANDLER_NAME: 'other', GREETING: 'hi', MY_KEY: 'k1'},
  });
  const {environment} = await choose(path.join(folder, 'serverless.yml'), 'hello', {GREETING: 'salut'});
  t.is(environment.GREETING, 'salut');
});

test('a handler that a manifest declares is called without it, and a line says what calls it with it', async t => {
  const folder = await project(t);
  const {code, stdout, stderr} = await cli(['invoke', 'api'], {}, folder);
  t.is(code, 0, stderr);
  t.is(stdout, 'handle api 128   /');
  t.regex(stderr, /^core-runtime: serverless\.yml declares this function, .*: `core-runtime invoke --name hello` uses them$/m);
  const {notes} = await choose(path.join(folder, 'api/handler.js'));
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /serverless\.yml declares .*: `core-runtime invoke \S+ --name hello` uses them$/);
});

test('a manifest above that cannot be read, or does not declare the handler, is not mentioned', async t => {
  for (const manifest of ['provider: [', 'provider: {name: scaleway, runtime: node22}\nfunctions: {a: {handler: b.c}}']) {
    const folder = await project(t, manifest);
    t.deepEqual((await choose(path.join(folder, 'api'))).notes, []);
  }
});
