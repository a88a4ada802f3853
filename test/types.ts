import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {eventWriter} from '../middleware/event/write.ts';
import {writeFunction} from '../src/init/write.ts';
import {projectFile} from './helpers/core.ts';
import {textOf} from './helpers/event.ts';
import {requestInput} from './helpers/fakes.ts';

/*
The types of handlers, as a user's compiler sees them: in a project of its own that has the package, with no other types and
every check.
*/

interface Project {
  readonly module: string;
  readonly type: 'module' | 'commonjs';
  readonly lib: readonly string[];
}

const esm: Project = {module: 'nodenext', type: 'module', lib: ['es2022']};
const commonJs: Project = {module: 'node16', type: 'commonjs', lib: ['es2022', 'dom', 'dom.iterable']};

/** What the compiler says about `handler.ts` in a project like that; empty when it says nothing. */
async function compile(t: ExecutionContext, text: string, {type, ...options}: Project): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'types-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  await mkdir(path.join(folder, 'node_modules'));
  await symlink(projectFile('.'), path.join(folder, 'node_modules/core-runtime'));
  const strict = {strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: type === 'module'};
  const compilerOptions = {...options, ...strict, target: 'es2022', types: [], noEmit: true, skipLibCheck: false};
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({compilerOptions, files: ['handler.ts']}));
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({type}));
  await writeFile(path.join(folder, 'handler.ts'), text);
  const tsc = projectFile('node_modules/.bin/tsc');
  return promisify(execFile)(tsc, ['--pretty', 'false'], {cwd: folder}).then(
    () => '',
    ({stdout}) => stdout,
  );
}

const imports = "import type {Callback, Context, Event, FetchHandler, Handler, Reply, Result, WebResponse} from 'core-runtime';\n";

/** One line of code each, so that the compiler is asked once. */
const refused = [
  [
    'a member that no event has',
    'export const handle = (event: Event) => event.querystring;',
    /'querystring' does not exist on type 'Event'/,
  ],
  ['a header taken for granted', 'export const handle = (event: Event): number => event.headers.Host.length;', /possibly 'undefined'/],
  ['a status that is a word', "export const handle: Handler = () => ({statusCode: 'ok'});", /statusCode|not assignable/],
  ['headers that are a text', "export const handle: Handler = () => ({headers: 'a: b'});", /headers|not assignable/],
  ['a header that is an object', 'export const handle: Handler = () => ({headers: {a: {b: 1}}});', /not assignable/],
  ['a function as a result', 'export const handle: Handler = () => () => 1;', /not assignable/],
  ['a late word of the context', 'export const handle = (_: Event, context: Context) => context.signal.stop();', /'stop' does not exist/],
] as const;

test('what no handler may do does not compile', async t => {
  const lines = refused.map(([, text], index) => text.replaceAll('handle', `handle${index}`));
  const said = (await compile(t, imports + lines.join('\n'), esm)).split('\n');
  for (const [index, [title, , problem]] of refused.entries()) {
    const own = said.filter(line => line.startsWith(`handler.ts(${index + 2},`)).join('\n');
    t.regex(own, problem, title);
  }
});

const good = `${imports}
export const plain = (event: Event): Result => ({hello: event.queryStringParameters.name ?? 'you'});
export const reply = async (event: Event, context: Context): Promise<Result> => {
  const left: number = context.getRemainingTimeInMillis();
  if (context.signal.aborted || context.replay) return;
  if (event.requestContext.eventType === 'cron') return event.requestContext.schedule?.occurrence;
  return {statusCode: 201, headers: {'X-Left': left, 'Set-Cookie': ['a=1', 'b=2']}, cookies: ['c=3'], body: {path: event.path}};
};
export const called = (_event: Event, _context: Context, callback: Callback) => callback(null, 'late');
export const typed: Handler = async event => ({body: event.body, isBase64Encoded: event.isBase64Encoded});
export const handlers: Handler[] = [
  plain, reply, called, typed,
  () => new Uint8Array([1]), () => [1, 2], () => 5, () => null, () => {}, () => ({statusCode: '204'}),
  () => ({headers: new Map([['a', 'b']]), body: new Uint8Array([1])}), () => ({multiValueHeaders: {a: ['b']}}),
];
async function* pieces() { yield 'a'; yield new Uint8Array([1]); }
handlers.push(pieces, () => ({headers: {'Content-Type': 'text/event-stream'}, body: pieces()}));
const answer: Reply = {body: [1]};
declare const response: WebResponse;
handlers.push(() => response);
export const app: FetchHandler = {
  fetch(request, env, context) {
    context.waitUntil(Promise.resolve(request.url + env.HOME + context.requestContext.eventType));
    return response;
  },
};
export default answer;
`;

for (const [title, project] of [
  ['ES modules without any other types', esm],
  ['CommonJS with those of a browser', commonJs],
] as const) {
  test(`handlers compile in a project of ${title}`, async t => {
    t.is(await compile(t, good, project), '');
  });
}

test('an event and a context that were sent have the members of their types, and no others', async t => {
  const options = {
    functionName: 'a',
    functionVersion: '1',
    memoryMb: 128,
    handlerPath: '/h',
    handlerName: 'handle',
    base64: 'exact',
  } as const;
  const input = requestInput({eventType: 'cron', context: {schedule: {name: 'a', occurrence: '2026-03-27T01:30:00Z'}}});
  const written = eventWriter({...options, replay: true})(input, {id: 'id-1', deadlineMs: 1, credential: undefined});
  const {event, context} = JSON.parse(textOf(written, {traceparent: '00-a', tracestate: 'b=1'}));
  const functions = "Omit<Context, 'getRemainingTimeInMillis' | 'signal' | 'waitUntil' | 'body'>";
  const text = `export const event: Required<Event> = ${JSON.stringify(event)};\nexport const context: Required<${functions}> = ${JSON.stringify(context)};`;
  t.is(await compile(t, imports + text, esm), '');
});

test('the handler of the guide compiles', async t => {
  const guide = await readFile(projectFile('docs/functions.md'), 'utf8');
  const [, text = ''] = /<!-- file: handler\.ts -->\n```ts\n([\s\S]*?)```/.exec(guide) ?? [];
  t.regex(text, /from 'core-runtime'/);
  t.is(await compile(t, text, {...esm, lib: ['es2022', 'dom']}), '');
});

for (const [language, options] of [
  ['typescript', []],
  ['node', ['--checkJs', '--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'handler.js']],
] as const) {
  test(`what \`init ${language}\` writes compiles`, async t => {
    const folder = await mkdtemp(path.join(tmpdir(), 'types-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    await writeFunction(language, folder);
    await mkdir(path.join(folder, 'node_modules/@types'), {recursive: true});
    await symlink(projectFile('.'), path.join(folder, 'node_modules/core-runtime'));
    await symlink(projectFile('node_modules/@types/node'), path.join(folder, 'node_modules/@types/node'));
    const {stdout} = await promisify(execFile)(projectFile('node_modules/.bin/tsc'), options, {cwd: folder}).catch(error => error);
    t.is(stdout, '');
  });
}

test('what a file imports as types only is found when it runs, too', async t => {
  t.deepEqual(Object.keys(await import('core-runtime')), ['default', 'module.exports']);
});
