import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {conform, verdictsOf} from './helpers/conform.ts';
import {projectFile} from './helpers/core.ts';

const wrong = ['--', process.execPath, projectFile('test/fixtures/wrong-sub-runtime.cjs')];

test('no command is refused', async t => {
  const {code, stderr} = await conform(['--json']);
  t.is(code, 64);
  t.regex(stderr, /expected the command that starts the sub-runtime[\s\S]*conform \[--handler <file>\]/);
});

test('an unknown option is refused', async t => {
  const {code, stderr} = await conform(['--fast', '--', 'true']);
  t.is(code, 64);
  t.regex(stderr, /--fast/);
});

test('a command that does not exist is reported', async t => {
  const {code, stderr, stdout} = await conform(['--', 'no-such-program']);
  t.is(code, 69);
  t.regex(stderr, /could not be started: no-such-program was not found in PATH \(ENOENT\)/);
  t.is(stdout, '');
});

test('a command that ends before it listens is reported, with what it wrote', async t => {
  const {code, stderr} = await conform(['--', process.execPath, '-e', 'console.error("no luck"); process.exit(3)']);
  t.is(code, 69);
  t.regex(stderr, /exited with code 3\n {2}no luck/);
});

test('a wrong sub-runtime fails what it does wrong, and after its end the other cases are run', async t => {
  const ended = await conform(['--json', ...wrong]);
  t.is(ended.code, 1);
  const failed = verdictsOf(ended).filter(({demand, verdict}) => demand === 'required' && verdict === 'failed');
  t.deepEqual(
    failed.map(each => each.case),
    [
      'text beyond ASCII survives, also beyond the basic plane',
      'the context arrives: name, memory, invocation id',
      'a handler that fails is status 500 with its message',
      'it listens on 127.0.0.1 only',
    ],
  );
  t.regex(failed[2]?.detail ?? '', /expected \{"status":500,"tells":true\}, got \{"status":200,"tells":true\}/);
});

test('a sub-runtime that names its calls in other letters names other calls', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'upper-case.cjs');
  const name = `const id = request.headers['core-invocation-id']; if (id === 'Whose-Reply_1') response.setHeader('Core-Invocation-Id', id.toUpperCase());`;
  const source = readFileSync(projectFile('test/fixtures/wrong-sub-runtime.cjs'), 'utf8');
  writeFileSync(
    file,
    source.replace('(request, response) => {', start => `${start} ${name}`),
  );
  const ended = await conform(['--json', '--', process.execPath, file]);
  t.is(
    verdictsOf(ended).find(each => each.case?.startsWith('a reply that names a call'))?.detail,
    'expected {"core-invocation-id":"Whose-Reply_1"}, got {"core-invocation-id":"WHOSE-REPLY_1"}',
  );
});

test('a load that failed may be reported a while before the port accepts', async t => {
  const handler = projectFile('runtimes/node/conform.cjs');
  const ended = await conform(['--json', '--handler', handler, '--', process.execPath, projectFile('test/fixtures/reports-early.cjs')]);
  const judged = verdictsOf(ended).filter(each => each.case?.startsWith('a handler that is not there'));
  t.deepEqual(
    judged.map(({verdict, detail}) => [verdict, detail]),
    [
      ['ok', ''],
      ['ok', ''],
    ],
  );
});

test('for people there is a table', async t => {
  const {code, stdout} = await conform(wrong);
  t.is(code, 1);
  t.regex(stdout, /^a list comes back as JSON +required +ok$/m);
  t.regex(stdout, /^it listens on 127\.0\.0\.1 only +required +failed +expected \{"127/m);
  t.regex(stdout, /^13 of 17 required and \d of 9 recommended cases passed$/m);
});

const onChannel = [
  '--handler',
  projectFile('runtimes/node/conform.cjs'),
  '--',
  process.execPath,
  projectFile('test/fixtures/channel-sub-runtime.cjs'),
];

test('a sub-runtime that does not start when it is offered the channel is reported', async t => {
  const {code, stderr} = await conform(['--json', ...onChannel], {WRONG: 'ends'});
  t.is(code, 69);
  t.regex(stderr, /with CORE_CALLS_FD it ended: exit code 0/);
});

test('on the channel a sub-runtime fails what it does wrong, and after its end the other cases are run', async t => {
  const wrong = 'beyond the window, latin1, listens, cuts characters, knows all types, ignores CANCEL, exits with 1';
  const ended = await conform(['--json', ...onChannel], {WRONG: wrong});
  t.is(ended.code, 1);
  t.deepEqual(
    verdictsOf(ended)
      .filter(({verdict}) => verdict === 'failed')
      .map(each => [each.over, each.case]),
    [
      'text beyond ASCII survives, also beyond the basic plane',
      'nothing listens while calls come on the channel',
      'a text of more than 1 MiB survives both ways',
      'JSON and body may be cut anywhere',
      'a frame may be as long as 1 MiB',
      'frames may come a byte at a time',
      'many frames may come in one piece, and types that it does not know are skipped',
      '300 calls of all kinds, in pieces, some cancelled, with credit in drops, do not disturb one another',
      'no byte of a reply comes beyond the window before there is credit',
      'a cancelled call whose reply waits for credit ends, and the next is served',
      'a call that is cancelled before it came whole ends without having run',
      'a reply that waits for credit holds up no other call',
      'the message of FAILED is cut at 64 KiB, between two characters',
      'at the end of the stream the open call is finished, then it exits with 0',
      'a call that is not whole at the end of the stream is dropped, then it exits with 0',
      'at the end of the stream it exits with 0 when no call is open',
    ].map(title => ['channel', title]),
  );
});

test('a sub-runtime that speaks on the channel is called there, too', async t => {
  const ended = await conform(['--json', ...onChannel]);
  const verdicts = verdictsOf(ended);
  t.deepEqual(
    verdicts.filter(({verdict}) => verdict !== 'ok'),
    [],
    ended.stderr,
  );
  t.is(verdicts.filter(({over}) => over === 'http').length, 29);
  t.is(verdicts.filter(({over}) => over === 'channel').length, 47);
  t.is(ended.code, 0);
});

test('a sub-runtime that takes one call at a time gets one at a time', async t => {
  const ended = await conform(['--json', ...onChannel], {CONCURRENCY: '1'});
  t.deepEqual(
    verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
    [],
    ended.stderr,
  );
  t.is(verdictsOf(ended).filter(({over}) => over === 'channel').length, 41);
});

function robbed(t: ExecutionContext, times: number) {
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const starts = join(folder, 'starts');
  const env = {SCW_HANDLER_PATH: projectFile('runtimes/node/conform.cjs'), STARTS: starts, ROBBED: String(times)};
  const ended = conform(['--json', '--', process.execPath, projectFile('test/fixtures/robbed-sub-runtime.cjs')], env);
  return {ended, starts: () => readFileSync(starts, 'utf8').trim().split('\n').length};
}

test('when no port can be had, that is reported after three tries', async t => {
  const {ended, starts} = robbed(t, Number.POSITIVE_INFINITY);
  const {code, stderr} = await ended;
  t.is(code, 69);
  t.regex(stderr, /exited with code 1\n.*EADDRINUSE/);
  t.is(starts(), 3);
});

test('a port that another program got first says nothing about the sub-runtime', async t => {
  const {ended, starts} = robbed(t, 2);
  t.deepEqual(
    verdictsOf(await ended).filter(({verdict}) => verdict !== 'ok'),
    [],
  );
  t.is((await ended).code, 0);
  t.true(starts() >= 3);
});
