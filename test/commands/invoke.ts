import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {runCli as cli} from '../helpers/core.ts';
import {cliProgram} from '../helpers/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'invoke-'));
test.after.always(() => rmSync(folder, {recursive: true}));
const write = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text);
write(
  'handler.js',
  `exports.handle = async (event, context) => {
    const {do: wish, status} = event.queryStringParameters;
    console.log('called with', event.httpMethod, event.path);
    if (wish === 'throw') throw new Error('no such order');
    if (wish === 'hang') return new Promise(() => {});
    if (wish === 'bytes') return Buffer.from([0, 255]);
    if (wish === 'env') return process.env.GREETING + ' ' + context.functionName;
    return {statusCode: Number(status ?? 200), headers: {'X-Type': event.requestContext.eventType}, body: event.body};
  };`,
);
write('unloadable.js', 'throw new Error("not today");');
write('.env', 'GREETING=hello\nPORT=1\n');
write('other.env', 'GREETING=bonjour\n');
const invoke = (args: readonly string[], env = {}) => cli(['invoke', ...args], env, folder);

for (const [args, code, message] of [
  [['nowhere.js'], 64, /got `nowhere\.js`, which does not exist/],
  [['--header', 'a b: c'], 64, /--header: expected a header such as `Accept: text\/html`, got `a b: c`/],
  [['--header', 'A: b\nEvil: c'], 64, /--header: expected a header/],
  [['--query', 'page'], 64, /--query: expected a name and a value such as page=2, got `page`/],
  [['--method', 'G T'], 64, /--method: expected a method such as GET or POST, got `G T`/],
  [['--path', 'x'], 64, /--path: expected a path that begins with \//],
  [['-d', '@nowhere.json'], 64, /--data @nowhere\.json: ENOENT/],
  [['--event', 'handler.js'], 64, /--event handler\.js: .*JSON/],
  [['--cron', '--path', '/x'], 64, /--path: does not go with --cron/],
  [['unloadable.js'], 69, /unloadable\.js does not start: .*not today/],
] as const) {
  test(`\`invoke ${args.join(' ').replace('\n', '\\n')}\` ends with ${code} and says why, and stdout has nothing`, async t => {
    const ended = await invoke(args);
    t.is(ended.code, code, ended.stderr);
    t.is(ended.stdout, '');
    t.regex(ended.stderr, message);
  });
}

test('a setting that is wrong is refused as by a core', async t => {
  const {code, stderr} = await invoke([], {CORE_TIMEOUT: 'soon'});
  t.is(code, 78);
  t.regex(stderr, /CORE_TIMEOUT: expected a duration/);
});

test('a fault of the function has an exit code of its own, and its stack is on stderr', async t => {
  const {code, stdout, stderr} = await invoke(['--query', 'do=throw']);
  t.is(code, 70);
  t.is(stdout, 'An error occured during handler execution: no such order\n');
  t.regex(stderr, /^called with GET \/\nError: no such order\n {4}at .*handler\.js:4:/);
  t.regex(stderr, /^HTTP\/1\.1 500 Internal Server Error$/m);
  t.regex(stderr, /^Core-Error: HANDLER_FAILED$/m);
});

test('a function that does not answer in time is ended, as is one that is interrupted', async t => {
  const late = await invoke(['--query', 'do=hang'], {CORE_TIMEOUT: '300ms'});
  t.is(late.code, 70);
  t.regex(late.stderr, /Core-Error: UPSTREAM_TIMEOUT/);
  const child = spawn(process.execPath, [cliProgram, 'invoke', '--query', 'do=hang'], {cwd: folder, stdio: 'pipe'});
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'exit'), [1, null]);
});

test('a body over the limit is refused as at the public port; a status of the function’s own from 400 on ends with 1', async t => {
  const large = await invoke(['-d', 'hello'], {SCW_PAYLOAD_MAX_SIZE: '4'});
  t.is(large.code, 1);
  t.regex(large.stdout, /too large, max payload size = 4 bytes/);
  const missing = await invoke(['--query', 'status=404', '-d', 'x']);
  t.is(missing.code, 1);
  t.is(missing.stdout, 'x');
  t.is((await invoke(['--query', 'status=304'])).code, 0);
});

test('the body is on stdout, byte for byte; status, headers and what was printed are on stderr', async t => {
  write('body.json', '{"a": 1e400}\n');
  const {code, stdout, stderr} = await invoke(['handler.js', '-d', '@body.json', '--path', '/orders', '-H', 'X-A: 1']);
  t.is(code, 0, stderr);
  t.is(stdout, '{"a": 1e400}\n');
  t.regex(stderr, /^called with POST \/orders\nHTTP\/1\.1 200 OK\n[\s\S]*^X-Type: http$/m);
});

test('--include puts the head on stdout, before the body; HEAD has no body', async t => {
  t.regex((await invoke(['-d', 'hi', '-i'])).stdout, /^HTTP\/1\.1 200 OK\n[\s\S]*\n\nhi$/);
  t.is((await invoke(['-X', 'head', '-d', 'hi'])).stdout, '');
});

test('--json is one object with everything, and nothing else', async t => {
  const {stdout, stderr, code} = await invoke(['--json', '--query', 'do=bytes']);
  t.is(code, 0);
  t.is(stderr, '');
  const answer = JSON.parse(stdout);
  t.like(answer, {status: 200, body: 'AP8=', isBase64Encoded: true});
  t.deepEqual(answer.lines, [{stream: 'stdout', line: 'called with GET /'}]);
  const failed = await invoke(['--json', '--query', 'do=throw']);
  t.is(failed.code, 70);
  t.like(JSON.parse(failed.stdout), {status: 500, error: 'HANDLER_FAILED'});
});

test('--cron calls it as a schedule does', async t => {
  const {code, stdout, stderr} = await invoke(['--cron', '-d', '{"a":1}']);
  t.is(code, 0, stderr);
  t.is(stdout, 'executed properly');
  t.regex(stderr, /^called with POST \/$/m);
});

test('the variables are those of .env in the folder or of --env-file, and no port is opened', async t => {
  const name = folder.split('/').at(-1);
  t.is((await invoke(['--query', 'do=env'])).stdout, `hello ${name}`); // PORT=1 could not be opened
  t.is((await invoke(['--query', 'do=env', '--env-file', 'other.env'])).stdout, `bonjour ${name}`);
});
