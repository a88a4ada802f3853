import {readFile, writeFile} from 'node:fs/promises';
import http from 'node:http';
import {join} from 'node:path';
import test from 'ava';
import {readReply, readRequest} from '../../src/journals/payload.ts';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from '../helpers/clock.ts';
import {type RunningCore, runCli} from '../helpers/core.ts';
import {factsUntil, handler, idOf, lines, newFolder, serve} from '../helpers/journal-place.ts';
import {ask} from '../helpers/request.ts';

/* What commands and the API tell of what was kept. */

test('explain says what failed, in which process, with which code; invocations finds it', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`});
  await ask(core.url);
  const failed = await ask(`${core.url}/?do=throw`);
  t.is(failed.status, 500);
  await factsUntil(file, types => types.filter(type => type === 'invocation.settled').length === 2);

  const {stdout} = await runCli(['explain', idOf(failed), '--journal', file]);
  t.regex(stdout, /outcome +failed with HANDLER_FAILED, status 500, after \d/);
  t.regex(stdout, /process +\d+ \(node\), started 20.*ready after/);
  t.regex(stdout, /code +sha256 [0-9a-f]{12}/);
  t.regex(stdout, /\+0 ms +invocation\.accepted/);
  const unknown = await runCli(['explain', '01a20731-45f2-7c3b-a3c2-e0a7b364f376', '--journal', file]);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /refused requests are not kept/);

  const list = await lines(['invocations', '--status', 'failed', '--json', '--journal', file]);
  t.deepEqual(
    list.map(({id, status, replyStatus, code}) => ({id, status, replyStatus, code})),
    [{id: idOf(failed), status: 'failed', replyStatus: 500, code: 'HANDLER_FAILED'}],
  );
  const all = await lines(['invocations', '--since', '1h', '--json', '--journal', file]);
  t.deepEqual([all.length, all[0].id], [2, idOf(failed)]);
});

test('explain shows what was kept in full: request, reply, log lines, the error, and where the time went', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'full'});
  const written = await ask(`${core.url}/a?do=log`, {method: 'POST', body: '{"n":1}', headers: {'content-type': 'application/json'}});
  const failed = await ask(`${core.url}/?do=throw`);
  await factsUntil(file, types => types.filter(type => type === 'invocation.logged').length === 2);
  const at = ['--journal', file];

  const {stdout} = await runCli(['explain', idOf(written), ...at]);
  t.regex(stdout, /request\n +POST \/a\?do=log\n[\s\S]* {4}\{"n":1\}\n/);
  t.regex(stdout, /reply\n +200\n/);
  t.regex(stdout, /where the time went\n +accepted [\s\S]* called .*█/);
  t.regex(stdout, /log\n +\+\d+ ms {2}a line of the function\n/);
  const [explained] = await lines(['explain', '--json', ...at]);
  t.is(explained.id, idOf(failed), 'the last one');
  t.deepEqual(explained.fault, {code: 'HANDLER_FAILED', message: failed.text().trimEnd()});
  t.like(explained.reply, {status: 500, body: failed.text(), encoding: 'text'});
  t.regex(explained.error.message, /Error: /);
  t.regex(explained.error.stack, /mirror\.cjs/);
  t.is(explained.boot.handler, handler);
  t.deepEqual(
    explained.phases.map(({phase}: {phase: string}) => phase).filter((phase: string) => phase === 'called'),
    ['called'],
  );

  t.is((await lines(['explain', `#${idOf(failed).slice(-6)}`, '--json', ...at]))[0].id, idOf(failed));
  const several = await runCli(['explain', idOf(failed).slice(0, 4), ...at]);
  t.is(several.code, 1);
  t.regex(several.stderr, new RegExp(`2 invocations begin or end with ${idOf(failed).slice(0, 4)}; the newest are\n  ${idOf(failed)}\n`));
});

test('full keeps request and reply byte for byte, and of secrets only name and hash', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'full', CORE_JOURNAL_REDACT: 'X-Mine, x-more'});
  const body = Buffer.from([0, 1, 2, 255, 10, 13]);
  const secrets = ['Authorization', 'Cookie', 'X-Api-Key', 'X-Auth-Token', 'Proxy-Authorization', 'x-mine', 'X-MORE'];
  const headers = {...Object.fromEntries(secrets.map(name => [name, `canary-${name}`])), 'X-Plain': 'plain'};
  const answer = await ask(`${core.url}/a%20b?q=1&q=2`, {method: 'POST', headers, body});
  await core.stop();

  using archive = new SqliteArchive(file, new ManualClock());
  const request = readRequest((await archive.payload(`invocation.${idOf(answer)}/request`)) ?? Buffer.alloc(0));
  t.like(request, {eventType: 'http', method: 'POST', path: '/a b', query: 'q=1&q=2'});
  t.true(request.body.equals(body));
  t.is(request.headers[request.headers.indexOf('X-Plain') + 1], 'plain');
  for (const name of secrets) t.regex(request.headers[request.headers.indexOf(name) + 1] ?? '', /^redacted:sha256:[0-9a-f]{16}$/, name);
  const reply = readReply((await archive.payload(`invocation.${idOf(answer)}/reply`)) ?? Buffer.alloc(0));
  t.is(reply.status, 200);
  t.true(reply.body.equals(answer.body));
  t.true(reply.headers.includes('Core-Invocation-Id'));
  const stored = (await runCli(['journal', 'export', '--journal', file])).stdout;
  t.notRegex(stored, /canary/, 'no header stands in a fact');
});

test('without full no body and no header is kept', async t => {
  const file = join(await newFolder(t), 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`});
  await ask(`${core.url}/?q=canary-query`, {method: 'POST', headers: {'X-A': 'canary-field'}, body: 'canary-body'});
  await core.stop();
  t.notRegex((await readFile(file)).toString('latin1'), /canary/);
  t.notRegex((await runCli(['journal', 'export', '--payloads', '--journal', file])).stdout, /canary|payload\.kept/);
});

test('the API gives facts and invocations to authorised callers', async t => {
  const core = await serve(t, {CORE_JOURNAL: 'memory:'});
  const api = (path: string, headers: Record<string, string> = {}) => ask(`${core.adminUrl}/api/${path}`, {headers});
  for (const path of ['facts', 'invocations', 'invocations/x']) {
    t.is((await api(path, {Origin: 'https://elsewhere.example'})).status, 403, path);
    t.is((await api(path, {Host: 'elsewhere.example'})).status, 403, path);
    t.is((await ask(`${core.adminUrl}/api/${path}`, {method: 'POST'})).status, 405, path);
  }
  for (const path of [
    'facts?after=x',
    'facts?after=-1',
    'invocations?since=ever',
    'invocations?status=bogus',
    'invocations?limit=0',
    'invocations?limit=5000',
  ]) {
    t.is((await api(path)).status, 400, path);
  }
  t.is((await api('invocations/nobody')).status, 404);

  const answer = await ask(core.url);
  const {invocations} = (await api('invocations?status=responded&since=1h')).json();
  t.is(invocations[0].id, idOf(answer));
  t.like((await api(`invocations/${idOf(answer)}`)).json(), {status: 'responded', replyStatus: 200, source: 'http'});
  const [first, second] = (await api('facts?after=1')).text().split('\n');
  t.is(JSON.parse(first ?? '').position, 2);
  t.is(JSON.parse(second ?? '').position, 3);
});

test('server-sent events give the facts from a position on, and go on with new ones', async t => {
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${join(await newFolder(t), 'journal.db')}`});
  const {request, until} = await listen(core, 'facts?after=2&stream=invocation.');
  const answer = await ask(core.url);
  const text = await until(received => received.includes('invocation.settled'));
  t.regex(text, new RegExp(`id: \\d+\\nevent: invocation\\.accepted\\ndata: \\{.*"stream":"invocation\\.${idOf(answer)}"`));
  t.notRegex(text, /runtime\./);
  request.destroy();
  const [, newest = ''] = /id: (\d+)\nevent: invocation\.settled/.exec(text) ?? [];
  const again = await listen(core, 'facts?stream=invocation.', {'Last-Event-ID': newest});
  const next = await ask(core.url);
  const more = await again.until(received => received.includes('settled'));
  t.false(more.includes(idOf(answer)));
  t.true(more.includes(idOf(next)));
  again.request.destroy();
  t.is(await core.stop(), 0);
});

async function listen(core: RunningCore, path: string, headers: Record<string, string> = {}) {
  const request = http.get(`${core.adminUrl}/api/${path}`, {headers: {Accept: 'text/event-stream', ...headers}, agent: false});
  request.on('error', () => {});
  const response = await new Promise<http.IncomingMessage>(resolve => request.once('response', resolve));
  let received = '';
  const waiting = new Set<() => void>();
  response.setEncoding('utf8').on('data', chunk => {
    received += chunk;
    for (const look of waiting) look();
  });
  response.on('error', () => {});
  const until = (fits: (text: string) => boolean) =>
    new Promise<string>(resolve => {
      const look = () => {
        if (!fits(received)) return;
        waiting.delete(look);
        resolve(received);
      };
      waiting.add(look);
      look();
    });
  return {request, until};
}

test('export and import carry facts and payloads over; a backup taken under load restores and verifies', async t => {
  const folder = await newFolder(t);
  const file = join(folder, 'journal.db');
  const core = await serve(t, {CORE_JOURNAL: `sqlite:${file}`, CORE_JOURNAL_HTTP: 'full'});
  const asking = (async () => {
    for (let call = 0; call < 100; call++) await ask(core.url, {method: 'POST', body: `call ${call}`});
  })();
  await factsUntil(file, types => types.length > 20);
  const backup = await runCli(['journal', 'backup', join(folder, 'backup.db'), '--journal', file]);
  t.is(backup.code, 0, backup.stderr);
  t.is((await runCli(['journal', 'backup', join(folder, 'backup.db'), '--journal', file])).code, 1, 'never over another file');
  await asking;
  const refused = await runCli(['journal', 'import', '--journal', file]);
  t.is(refused.code, 66);
  t.regex(refused.stderr, new RegExp(`held by process ${core.pid} `));
  await core.stop();

  const [saved] = await lines(['journal', 'verify', join(folder, 'backup.db'), '--json']);
  t.true(saved.facts > 20 && saved.problems.length === 0);
  const restored = await serve(t, {CORE_JOURNAL: `sqlite:${join(folder, 'backup.db')}`});
  t.is(await restored.stop(), 0);

  const exported = (await runCli(['journal', 'export', '--payloads', '--journal', file])).stdout;
  await writeFile(join(folder, 'facts.ndjson'), exported);
  const target = join(folder, 'imported.db');
  t.is((await runCli(['journal', 'import', join(folder, 'facts.ndjson'), '--journal', target])).code, 0);
  t.is((await runCli(['journal', 'export', '--payloads', '--journal', target])).stdout, exported);
  await writeFile(join(folder, 'bad.ndjson'), '{"specversion":"1.0"}\n');
  t.regex((await runCli(['journal', 'import', join(folder, 'bad.ndjson'), '--journal', target])).stderr, /line 1: expected id to be/);
});
