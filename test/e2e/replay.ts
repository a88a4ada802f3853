import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import {type Ended, projectFile, type RunningCore, runCli, startCore} from '../helpers/core.ts';
import {type Asked, ask} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

const fixture = (name: string) => projectFile(`test/fixtures/functions/replay/${name}`);
const orders = fixture('orders.cjs');
const broken = fixture('orders-broken.cjs');

async function newJournal(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'replay-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return join(folder, 'journal.db');
}

function serve(t: ExecutionContext, file: string, env: Record<string, string> = {}): Promise<RunningCore> {
  const full = {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'full'};
  return startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: orders, ...full, ...env}, t);
}

/** Sends requests and gives back the ids of their invocations. */
async function record(core: RunningCore, queries: readonly string[], asked: Asked = {}): Promise<string[]> {
  const ids: string[] = [];
  for (const query of queries) ids.push((await ask(`${core.url}/orders?${query}`, asked)).field('core-invocation-id'));
  return ids;
}

const replay = (file: string, args: readonly string[], env: Record<string, string> = {}) =>
  runCli(['replay', '--journal', file, ...args], {SCW_HANDLER_PATH: orders, ...env});

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the command printed
const linesOf = ({stdout}: Ended): any[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));

// biome-ignore lint/suspicious/noExplicitAny: as above
const keptOf = async (file: string): Promise<any[]> => linesOf(await runCli(['facts', '--json', '--stream', 'replay.', '--journal', file]));

/** What is recorded without waiting is on the disk a little later. */
async function settled(file: string, ids: readonly string[]): Promise<void> {
  for (;;) {
    const lines = linesOf(await runCli(['facts', '--json', '--stream', 'invocation.', '--journal', file]));
    if (ids.every(id => lines.some(({stream, type}) => stream === `invocation.${id}` && type === 'invocation.settled'))) return;
  }
}

test('a command line that is wrong, or a journal that is none, is told on stderr alone', async t => {
  const file = await newJournal(t);
  for (const [args, code, message] of [
    [[], 64, /expected either ids of invocations or --since/],
    [['some', '--since', '1h'], 64, /expected either ids/],
    [['--since', 'ever'], 64, /--since: expected a duration/],
    [['--since', '1h', '--sample', '0'], 64, /--sample: expected a number/],
    [['some', '--sample', '1'], 64, /--sample: expected --since/],
    [['some', '--fail-on', 'anything'], 64, /--fail-on: expected some of error,status,headers,body/],
    [['--bogus'], 64, /Unknown option/],
    [['--since', '1h'], 66, /no such file/],
  ] as const) {
    const ended = await replay(file, args);
    t.is(ended.code, code, args.join(' '));
    t.regex(ended.stderr, message);
    t.notRegex(ended.stderr, /\n\s+at /);
    t.is(ended.stdout, '');
  }
});

test('what cannot be replayed is named with its reason and the fix, and nothing passes that compared nothing', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file, {CORE_JOURNAL_HTTP: 'facts'});
  const [id = ''] = await record(core, ['count=1']);
  await core.stop();
  for (const args of [[id], ['--since', '1h']]) {
    const ended = await replay(file, args);
    t.is(ended.code, 66);
    t.regex(ended.stdout, /not replayable 1/);
    t.regex(ended.stdout, /recorded without its request and reply: start the core with CORE_JOURNAL_HTTP=full/);
    t.regex(ended.stderr, /could be compared/);
  }
  const json = await replay(file, [id, 'nobody', '--json']);
  t.deepEqual(
    linesOf(json).map(({invocationId, notReplayable}) => [invocationId, notReplayable]),
    [
      [id, 'facts-only'],
      ['nobody', 'unknown'],
    ],
  );
  t.deepEqual(await keptOf(file), []);
});

test('without the core: what is recorded is compared with the code of now, and what was found is kept', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const bytes = {method: 'POST', body: Buffer.from([0, 255])};
  const ids = [...(await record(core, ['count=1', 'count=2', 'do=throw'])), ...(await record(core, ['do=bytes'], bytes))];
  await core.stop();

  const same = await replay(file, ['--since', '1h', '--json']);
  t.is(same.code, 0, same.stdout + same.stderr);
  t.is(same.stderr, '');
  t.deepEqual(
    linesOf(same).map(({type, invocationId, verdict, expected}) => [type, invocationId, verdict, expected]),
    [
      ['replay.compared', ids[0], 'noise', '200'],
      ['replay.compared', ids[1], 'noise', '200'],
      ['replay.compared', ids[2], 'same', '500 HANDLER_FAILED'],
      ['replay.compared', ids[3], 'same', '200'],
    ],
  );
  const [first] = linesOf(same);
  t.deepEqual([...first.noise].sort(), ['body /at', 'body /calls', 'body /id', 'body /instance']);
  t.is(first.code.recorded, first.code.baseline);

  const kept = await keptOf(file);
  t.deepEqual(
    kept.map(({stream, type}) => [stream, type]),
    ids.map(id => [`replay.${id}`, 'replay.compared']),
  );
  t.deepEqual(kept[0].data, {invocationId: ids[0], verdict: 'noise', baseline: first.code.baseline});
  t.is((await runCli(['journal', 'verify', file])).code, 0);
  const invocations = linesOf(await runCli(['invocations', '--json', '--journal', file]));
  t.is(invocations.length, ids.length, 'a replay is no invocation');

  // The code of now is another one: its regression shows against what was recorded, and the report says why.
  const [three = ''] = await (async () => {
    const again = await serve(t, file);
    const found = await record(again, ['count=3']);
    await again.stop();
    return found;
  })();
  const changed = await replay(file, [three], {SCW_HANDLER_PATH: broken});
  t.is(changed.code, 1);
  t.regex(changed.stdout, /1 recorded with other code than test\/fixtures\/functions\/replay\/orders-broken\.cjs has now/);
  t.regex(changed.stdout, /--- recorded\n {2}\+\+\+ replayed\n(.*\n)+? {2}- {3}"total": 30\n {2}\+ {3}"total": 29\n/);
});

test('while the core runs: another version is compared, through the core it is kept, and the core counts nothing', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=3', 'count=4', 'count=5']);
  await settled(file, ids);
  const counted = await metric(core, 'faas_invocations_total{trigger="http",outcome="ok"}');
  const admin = {CORE_ADMIN_PORT: new URL(core.adminUrl).port};

  const ended = await replay(file, ['--since', '1h', '--against', broken], admin);
  t.is(ended.code, 1);
  t.is(ended.stderr, '');
  t.regex(ended.stdout, /same 0 {3}noise 1 {3}status 1 {3}headers 0 {3}body 1 {3}error 1/);
  t.regex(ended.stdout, /GET \/orders +200 +500 HANDLER_FAILED +error, status/);
  t.regex(ended.stdout, /--- baseline\n {2}\+\+\+ test\/fixtures\/functions\/replay\/orders-broken\.cjs/);
  t.regex(ended.stdout, /- status 200\n {2}\+ status 400/);
  t.regex(ended.stdout, /"id": «noise»/);

  const kept = await keptOf(file);
  t.deepEqual(kept.map(({data}) => data.verdict).sort(), ['body', 'error', 'noise', 'status']);
  t.true(kept.every(({data}) => data.baseline !== data.candidate && /^[0-9a-f]{64}$/.test(data.candidate)));
  t.is(await metric(core, 'faas_invocations_total{trigger="http",outcome="ok"}'), counted);

  const only = async (...args: string[]) => (await replay(file, [...ids, '--against', broken, '--json', ...args], admin)).code;
  t.is(await only('--fail-on', 'headers'), 0);
  t.is(await only('--fail-on', 'headers,error'), 1);
  const sampled = await replay(file, ['--since', '1h', '--sample', '2', '--json'], admin);
  t.deepEqual(
    linesOf(sampled).map(({invocationId}) => invocationId),
    [ids[1], ids[3]],
  );

  // The core of another function answers there, or none does: what was found is told all the same.
  const other = await serve(t, await newJournal(t));
  const before = (await keptOf(file)).length;
  for (const [port, why] of [
    [new URL(other.adminUrl).port, /not kept in the journal: the core that answers here has another journal/],
    ['1', /not kept in the journal: no core answers/],
  ] as const) {
    const unkept = await replay(file, [ids[0] ?? ''], {CORE_ADMIN_PORT: port});
    t.is(unkept.code, 0);
    t.regex(unkept.stderr, why);
  }
  t.is((await keptOf(file)).length, before);
  t.is(await core.stop(), 0);
});

test('code that ends in a call is an error there, and the next event is run all the same', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=6', 'count=1']);
  await core.stop();
  const ended = await replay(file, [...ids, '--against', broken, '--json']);
  t.is(ended.code, 1);
  t.deepEqual(
    linesOf(ended).map(({verdict, actual}) => [verdict, actual]),
    [
      ['error', '502 UPSTREAM_LOST'],
      ['noise', '200'],
    ],
  );
});

test('code that does not start: of now there is nothing to compare with, another version of it is the gravest change', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1']);
  await core.stop();
  const none = await replay(file, ids, {SCW_HANDLER_PATH: fixture('unloadable.cjs')});
  t.is(none.code, 69);
  t.regex(none.stderr, /unloadable\.cjs does not start: .*not loadable/);
  const worse = await replay(file, [...ids, '--against', fixture('unloadable.cjs')]);
  t.is(worse.code, 1);
  t.regex(worse.stderr, /unloadable\.cjs does not start: .*not loadable/);
  const missing = await replay(file, [...ids, '--against', fixture('nothing.cjs')]);
  t.is(missing.code, 64);
  t.regex(missing.stderr, /--against: expected one handler file/);
});

test('the function is told that it is a replay, under the id and in the form of then', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const [id = ''] = await record(core, ['do=context'], {headers: {traceparent}});
  await core.stop();
  const [line] = linesOf(await replay(file, [id, '--json']));
  t.deepEqual(
    line.differences.filter(({meaning}: {meaning: string}) => meaning === 'changed'),
    [{aspect: 'body', path: '/replay', meaning: 'changed', expected: 'false', actual: 'true'}],
  );
  t.deepEqual(line.noise, ['body /trace/traceparent']);

  // Where nobody says which code is of now, it is what was served last.
  const unnamed = await runCli(['replay', id, '--journal', file]);
  t.is(unnamed.code, 1, unnamed.stderr);
  t.regex(unnamed.stdout, /1 invocation: test\/fixtures\/functions\/replay\/orders\.cjs \(sha256 [0-9a-f]{12}\) against what was recorded/);
});

test('secrets that were taken out are in no report, wherever the function had put them', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const headers = {Authorization: 'Bearer canary-token-1234', Cookie: 'canary=5678; more=canary', 'X-Api-Key': 'canary-key-91011'};
  const ids = await record(core, ['do=echo', 'do=say', 'do=session'], {headers});
  await core.stop();
  const json = await replay(file, [...ids, '--json']);
  const text = await replay(file, ids);
  for (const ended of [json, text]) t.notRegex(ended.stdout + ended.stderr, /canary/);
  t.regex(text.stdout, /Kept as hashes only, so the replays lacked: authorization \(3\), cookie \(3\), x-api-key \(3\)/);

  const [echo, say, session] = linesOf(json);
  t.deepEqual(echo.redacted, ['authorization', 'cookie', 'x-api-key']);
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the command printed
  const at = (line: any, path: string) => line.differences.find((each: {path: string}) => each.path === path)?.meaning;
  t.is(at(echo, '/headers/Authorization'), 'redacted');
  t.is(at(echo, '/all/X-Api-Key'), 'redacted');
  t.is(at(echo, '/token'), 'changed', 'of a part of a secret nobody knows that it is one');
  t.is(at(say, ''), 'changed');
  t.is(session.verdict, 'noise');
  t.is(at(session, 'set-cookie'), 'redacted');

  // Two versions are compared as they are: both lack the same.
  const alike = await replay(file, [...ids, '--against', orders]);
  t.is(alike.code, 0, alike.stdout);
  t.regex(alike.stdout, /same 3/);
});

test('a Python function is compared with itself, and with the same in another language', async t => {
  const python = fixture('orders.py');
  const file = await newJournal(t);
  const core = await serve(t, file, {SCW_HANDLER_PATH: python});
  const ids = await record(core, ['count=1', 'count=3']);
  await core.stop();
  const env = {SCW_HANDLER_PATH: python};
  const same = await replay(file, [...ids, '--json'], env);
  t.is(same.code, 0, same.stderr);
  t.deepEqual(
    linesOf(same).map(({verdict}) => verdict),
    ['noise', 'noise'],
  );
  const ported = await replay(file, [...ids, '--against', fixture('orders.mjs')], env);
  t.is(ported.code, 1, ported.stderr);
  t.regex(ported.stdout, /noise 1 .*body 1/);
  t.regex(ported.stdout, /- {3}"total": 30\n {2}\+ {3}"total": 29/);
});

test('a schedule’s occurrence is run again with its schedule', async t => {
  const file = await newJournal(t);
  const schedules = JSON.stringify([{name: 'nightly', cron: '0 0 1 1 *', input: {task: 'sweep'}}]);
  const env = {SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled.cjs'), CORE_SCHEDULES: schedules};
  const core = await serve(t, file, env);
  const fired = (await ask(`${core.adminUrl}/api/schedules/nightly/fire`, {method: 'POST'})).json();
  await core.stop();
  const ended = await replay(file, [fired.invocationId], env);
  t.is(ended.code, 0, ended.stdout + ended.stderr);
  t.regex(ended.stdout, /cron nightly +200 +200 +same/);
});

test('bodies that are shredded or damaged are named, and the others compared', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=2', 'count=3']);
  await core.stop();
  const db = new DatabaseSync(file);
  const [damaged = '', shredded = ''] = ids;
  db.prepare('UPDATE payload SET bytes = ? WHERE name = ?').run(Buffer.from('{}\nother'), `invocation.${damaged}/request`);
  db.prepare('DELETE FROM payload WHERE name = ?').run(`invocation.${shredded}/reply`);
  db.close();
  const ended = await replay(file, ['--since', '1h', '--json']);
  t.is(ended.code, 0, ended.stderr);
  t.deepEqual(
    linesOf(ended).map(({notReplayable, verdict}) => notReplayable ?? verdict),
    ['damaged', 'shredded', 'noise'],
  );
  const named = await replay(file, ids);
  t.is(named.code, 66, 'who names them wants them all');
  t.regex(named.stdout, /1 not replayable: what was kept of it is damaged: see `core-runtime journal verify`/);
  t.regex(named.stdout, /1 not replayable: its request or its reply is not kept any more: give CORE_JOURNAL_KEEP_BODIES/);
});

test('an interrupted replay says so, and leaves no process behind', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['do=never']);
  await core.stop();
  const never = projectFile('test/fixtures/functions/core/mirror.cjs');
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  const child = spawn(process.execPath, [projectFile('src/cli.ts'), 'replay', ...ids, '--journal', file, '--against', never], {
    env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), SCW_HANDLER_PATH: orders},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const ended = once(child, 'close');
  // Both processes of the baseline and the candidate's: now it waits for what never ends.
  let functions: number[] = [];
  while (functions.length < 3) {
    functions = childrenOf(child.pid ?? 0).filter(pid => commandOf(pid).includes('bridge'));
    await new Promise(resolve => setImmediate(resolve));
  }
  child.kill('SIGINT');
  const [code] = await ended;
  t.is(code, 1);
  t.regex(stderr, /interrupted/);
  for (const pid of functions) t.throws(() => process.kill(pid, 0), {code: 'ESRCH'});
});

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

test('a journal that is damaged is no journal', async t => {
  const file = await newJournal(t);
  const core = await serve(t, file);
  const ids = await record(core, ['count=1', 'count=2']);
  await core.stop();
  const db = new DatabaseSync(file);
  db.prepare('UPDATE pack SET checksum = checksum + 1').run();
  db.close();
  for (const args of [ids, ['--since', '1h']]) {
    const ended = await replay(file, args);
    t.is(ended.code, 66, args.join(' '));
    t.regex(ended.stderr, /journal\.db: .*`core-runtime journal verify`/);
    t.is(ended.stdout, '');
  }
});

test('the API keeps comparisons of invocations that it knows, and nothing else', async t => {
  const core = await serve(t, await newJournal(t));
  const url = `${core.adminUrl}/api/replays`;
  const [id = ''] = await record(core, ['count=1']);
  const post = (body: unknown, headers = {}) =>
    ask(url, {method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body)});
  t.is((await ask(url)).status, 405);
  t.is((await post([{invocationId: id, verdict: 'same'}], {Origin: 'https://elsewhere.example'})).status, 403);
  for (const body of [
    '',
    '{',
    {},
    [],
    [null],
    [{invocationId: id}],
    [{invocationId: id, verdict: 'good'}],
    [{invocationId: '../x', verdict: 'same'}],
    [{invocationId: id, verdict: 'same', baseline: 'abc'}],
    Array.from({length: 1001}, () => ({invocationId: id, verdict: 'same'})),
  ]) {
    t.is((await post(body)).status, 400, JSON.stringify(body).slice(0, 80));
  }
  t.is((await post(' '.repeat(2 ** 20 + 1))).status, 413);
  const unknown = await post([
    {invocationId: id, verdict: 'same'},
    {invocationId: 'nobody', verdict: 'same'},
  ]);
  t.is(unknown.status, 409);
  const facts = async () => (await ask(`${core.adminUrl}/api/facts?stream=replay.`)).text();
  t.is(await facts(), '');
  t.deepEqual((await post([{invocationId: id, verdict: 'body', more: 'canary'}])).json(), {kept: 1});
  t.deepEqual(JSON.parse(await facts()).data, {invocationId: id, verdict: 'body'});
});
