import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {factEvent} from '../../src/journals/cloud-event.ts';
import {keyEvent, workEvent} from '../../src/work/cloud-event.ts';
import type {Claimed, WorkItem, WorkState} from '../../src/work.ts';
import {ManualClock} from '../helpers/clock.ts';
import {projectFile, runCli} from '../helpers/core.ts';
import {fact} from '../helpers/journal-suite.ts';
import {outputOf} from '../helpers/process.ts';
import {crashed, hour, newFile, openFile, written} from '../helpers/sqlite-journal.ts';

const noStack = /\n\s+at /;
const line = (stream: string, position: number, type = 'invocation.accepted') =>
  JSON.stringify(factEvent({stream, position, at: 1_764_000_000_000 + position, fact: {...fact(position), type} as Fact})); // also what is no type

const limits = {attempts: 8, deaths: 3};

test('a journal whose end is lost is refused in one sentence by every command that reads', async t => {
  const {file} = await crashed(t, 12);
  truncateSync(`${file}-wal`, 0);
  for (const args of [['facts'], ['invocations'], ['explain', 'x'], ['journal', 'export'], ['journal', 'backup', `${file}.copy`]]) {
    const {code, stdout, stderr} = await runCli([...args, '--journal', file]);
    t.is(code, 1, args.join(' '));
    t.regex(stderr, /not a journal|lost/);
    t.notRegex(stderr, noStack);
    t.is(stdout, '');
  }
  t.false(existsSync(`${file}.copy`));
});

test('a damaged fact is reported in one sentence; export leaves it out', async t => {
  const file = await newFile(t);
  await written(file, 3, 1);
  const db = new DatabaseSync(file);
  db.exec("UPDATE pack SET body = x'00' WHERE last = (SELECT min(last) FROM pack)");
  db.close();
  for (const args of [['facts'], ['explain', '0-0']]) {
    const {code, stderr} = await runCli([...args, '--journal', file]);
    t.is(code, 1, args.join(' '));
    t.regex(stderr, /^core-runtime: The facts up to \d+ are not what was written; `core-runtime journal verify`.*\n$/);
  }
  const exported = await runCli(['journal', 'export', '--journal', file]);
  t.is(exported.code, 1);
  t.regex(exported.stderr, /^core-runtime: left out: The facts up to \d+ .*\n$/);
  t.true(exported.stdout.split('\n').length > 2);
});

test('an import says in one sentence what is wrong, in which line, and makes no journal for nothing', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/facts.ndjson`;
  const missing = await runCli(['journal', 'import', `${from}.none`, '--journal', file]);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /ENOENT.*facts\.ndjson\.none/);
  t.notRegex(missing.stderr, noStack);
  t.false(existsSync(file));

  for (const type of ['in"vented', 'Shouted', 'one', 'a b.c']) {
    writeFileSync(from, `${line('a', 1)}\n\n${line('a', 2, type)}\n`);
    const {code, stderr} = await runCli(['journal', 'import', from, '--journal', file]);
    t.is(code, 1, type);
    t.regex(stderr, /line 3: expected a type such as/);
  }
  const [first] = (await runCli(['facts', '--json', '--journal', file])).stdout.split('\n');
  t.is(JSON.parse(first ?? '').stream, 'a');
});

test('a line that is not a fact is refused with its number and the rule; facts before it stay', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/facts.ndjson`;
  for (const [text, problem] of [
    ['{"specversion":"1.0","id":"a/2","type":"schedule.fired","subject":"a","time":"2026-01-01T00:00:00Z","data":{}}', /^expected name of/],
    ['{"specversion":"1.0"}', /^expected id to be/],
    ['7', /^expected a CloudEvent/],
    ['\x1b[31m', /^expected a CloudEvent as JSON, got "\\u001b\[31m"/],
    [Buffer.from([0x22, 0xff, 0x22]), /not valid|UTF-8/i],
    [`${'['.repeat(100_000)}`, /^expected a CloudEvent as JSON/],
  ] as const) {
    writeFileSync(from, Buffer.concat([Buffer.from(`${line('a', 1)}\n`), Buffer.from(text), Buffer.from(`\n${line('b', 2)}\n`)]));
    const {code, stdout, stderr} = await runCli(['journal', 'import', from, '--journal', file]);
    t.is(code, 1, stderr);
    t.is(stdout, '');
    const [, said = ''] = /^core-runtime: not everything was imported: line 2: (.*)\n$/.exec(stderr) ?? [];
    t.regex(said, problem, stderr);
    t.notRegex(stderr, noStack);
    t.false(stderr.includes('\x1b'));
  }
  const kept = await runCli(['facts', '--json', '--journal', file]);
  t.is(kept.stdout.trim().split('\n').length, 1);
});

test('payloads without a fact are refused before they fill the memory', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/facts.ndjson`;
  const payload = {specversion: '1.0', id: 'p', source: 'core-runtime', type: 'payload.kept', data_base64: 'eA=='};
  writeFileSync(from, `${JSON.stringify(payload)}\n`.repeat(1000));
  const {code, stderr} = await runCli(['journal', 'import', from, '--journal', file]);
  t.is(code, 1);
  t.regex(stderr, /line 17: expected a fact after 16 payloads/);
});

test('what was recorded with control characters travels, and every command shows them', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/facts.ndjson`;
  const evil = '\x1b]0;owned\x07\x9b31m\u2028\u202edne\r\nnew';
  const [invocation, boot] = ['invocation.i', 'runtime.b'];
  const facts: [stream: string, fact: object][] = [
    [boot, {type: 'runtime.spawned', data: {executable: evil, pid: 7}}],
    [boot, {type: 'runtime.ready', data: {bootMs: 1, loaded: false, error: evil, pid: 7}}],
    [invocation, {type: 'invocation.accepted', data: {source: 'http', bytes: 0, attempt: 1}}],
    [invocation, {type: 'a.later', data: {text: evil}}],
    [invocation, {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1, pid: 7}}],
  ];
  const now = Date.now();
  writeFileSync(
    from,
    facts.map(([stream, each], index) => JSON.stringify(factEvent({stream, position: index + 1, at: now, fact: each as Fact}))).join('\n'),
  );
  t.is((await runCli(['journal', 'import', from, '--journal', file])).code, 0);
  const exported = await runCli(['journal', 'export', '--journal', file]);
  writeFileSync(from, exported.stdout);
  const copy = await newFile(t);
  t.is((await runCli(['journal', 'import', from, '--journal', copy])).code, 0, 'our own export');
  for (const args of [
    ['facts'],
    ['facts', '--json'],
    ['explain', 'i'],
    ['explain', 'i', '--json'],
    ['invocations'],
    ['journal', 'export'],
  ]) {
    const {code, stdout, stderr} = await runCli([...args, '--journal', copy]);
    t.is(code, 0, stderr);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal obeys
    t.notRegex(stdout.replaceAll('\n', ''), /[\x00-\x1f\x7f-\x9f\u2028\u202e]/, args.join(' '));
    if (args[1] === '--json' || args[1] === 'export') for (const each of stdout.trim().split('\n')) t.notThrows(() => JSON.parse(each));
  }
  const shown = await runCli(['explain', 'i', '--journal', copy]);
  t.true(shown.stdout.includes(String.raw`a.later               text=\x1b]0;owned\x07\x9b31m\u2028\u202edne\x0d\x0anew`), shown.stdout);
});

test('facts that the journal has already are not imported twice, and an import that broke off can be done again', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/facts.ndjson`;
  const whole = [line('a', 1), line('b', 2), line('a', 3), line('b', 4)];
  const importThem = async (lines: readonly string[]) => {
    writeFileSync(from, lines.join('\n'));
    return runCli(['journal', 'import', from, '--journal', file]);
  };
  const positions = async () =>
    (await runCli(['facts', '--json', '--journal', file])).stdout
      .trim()
      .split('\n')
      .map(each => JSON.parse(each).data.bytes);
  t.is((await importThem([...whole.slice(0, 3), 'broken'])).code, 1);
  t.deepEqual(await positions(), [1, 2, 3]);
  const again = await importThem(whole);
  t.is(again.code, 0);
  t.regex(again.stderr, /3 facts were there already\n.*1 facts were imported/);
  t.deepEqual(await positions(), [1, 2, 3, 4]);
  t.is((await importThem(whole)).code, 0);
  t.deepEqual(await positions(), [1, 2, 3, 4]);
  const other = await importThem([line('a', 7), line('a', 8), line('a', 9), line('c', 10)]);
  t.is(other.code, 1);
  t.regex(other.stderr, /2 facts were left out, as their streams have other facts there: a/);
  t.deepEqual(await positions(), [1, 2, 3, 4, 10]);
});

test('a reader that has read enough ends the export without a message', async t => {
  const file = await newFile(t);
  await written(file, 60, 100);
  const child = spawn(process.execPath, [projectFile('src/cli.ts'), 'journal', 'export', '--journal', file], {
    env: {PATH: process.env.PATH ?? ''},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = outputOf(child.stderr);
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  t.deepEqual([code, stderr()], [0, '']);
});

test('a journal in a folder that cannot be written is read, unless its log has facts', async t => {
  if (process.getuid?.() !== 0) return t.pass(); // only root can become somebody who may not
  const nobody = {uid: 65534, gid: 65534, env: {}};
  if (spawnSync(process.execPath, [projectFile('src/cli.ts'), '--version'], nobody).status !== 0) {
    t.log('Not tested: the project stands where nobody else may read it');
    return t.pass();
  }
  const {file} = await crashed(t, 3);
  const folder = dirname(file);
  const asNobody = async () => {
    const child = spawn(process.execPath, [projectFile('src/cli.ts'), 'facts', '--journal', file], nobody);
    const stdout = outputOf(child.stdout);
    const stderr = outputOf(child.stderr);
    const [code] = await once(child, 'close');
    return {code, stdout: stdout(), stderr: stderr()};
  };
  rmSync(`${file}-shm`);
  for (const [path, mode] of [
    [dirname(folder), 0o755],
    [folder, 0o555],
    [file, 0o444],
    [`${file}-wal`, 0o444],
    [`${file}.mark`, 0o444],
  ] as const) {
    chmodSync(path, mode);
  }
  const refused = await asNobody();
  t.is(refused.code, 66);
  // Under coverage Node says, too, that nobody may write what it found.
  t.regex(refused.stderr, /^core-runtime: .*its folder cannot be written.*copy all its files.*$/m);
  const journal = await openFile(file);
  await journal[Symbol.asyncDispose]();
  chmodSync(`${file}.mark`, 0o444);
  t.false(existsSync(`${file}-wal`));
  const read = await asNobody();
  t.is(read.code, 0, read.stderr);
  t.is(read.stdout.trim().split('\n').length, 1 + 6); // with the head
  t.false(readFileSync(file).length === 0 || existsSync(join(folder, 'journal.db-shm')));
});

test('a position that is not a whole number from 0 on is refused', async t => {
  const file = await newFile(t);
  await written(file, 1);
  for (const after of ['abc', '-1', '1.5']) {
    const {code, stderr} = await runCli(['facts', `--after=${after}`, '--journal', file]);
    t.is(code, 64);
    t.regex(stderr, /--after: expected a position/);
  }
});

test('facts begin with the newest ones where that is asked for, and --follow does by itself', async t => {
  const file = await newFile(t);
  await written(file, 10, 3);
  const both = await runCli(['facts', '--after', '1', '--tail', '2', '--journal', file]);
  t.is(both.code, 64);
  t.regex(both.stderr, /expected one of --after and --tail/);
  const positions = ({stdout}: {stdout: string}) =>
    stdout
      .trim()
      .split('\n')
      .map(each => JSON.parse(each).position);
  t.deepEqual(positions(await runCli(['facts', '--tail', '2', '--json', '--journal', file])), [39, 40]);
  t.is(positions(await runCli(['facts', '--json', '--journal', file])).length, 40);

  const child = spawn(process.execPath, [projectFile('src/cli.ts'), 'facts', '--follow', '--json', '--journal', file], {
    env: {PATH: process.env.PATH ?? ''},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  for await (const chunk of child.stdout) {
    stdout += chunk;
    if (stdout.split('\n').length > 10) child.kill('SIGINT');
  }
  t.deepEqual(positions({stdout}), [31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
});

test('work that is not over travels with its requests, and is taken over once, where that is asked for', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/all.ndjson`;
  const clock = new ManualClock();
  const journal = await openFile(file, clock);
  const send = async (id: string, some: Partial<WorkItem> = {}) => {
    const data = {source: 'work', bytes: 1, attempt: 1, dataref: `invocation.${id}/request`};
    const payloads = [{name: data.dataref, bytes: Buffer.from(id)}];
    const item = {id, acceptedAt: clock.now(), due: clock.now(), ...some};
    await journal.work.enqueue(item, {facts: [{type: 'invocation.accepted', data}], payloads, most: 99});
    await clock.advance(1);
  };
  const settled = (outcome: 'responded' | 'dead-lettered') =>
    [{type: 'invocation.settled', data: {outcome, status: 200, durationMs: 1}}] as const;
  const take = async () => (await journal.work.claim(1, limits))[0] as Claimed;
  await send('over');
  await journal.work.settle(await take(), {facts: settled('responded')});
  await send('dead');
  await journal.work.settle(await take(), {facts: settled('dead-lettered'), dead: {why: 'exhausted', class: 'error', status: 500}});
  await send('runs', {orderingKey: 'a'});
  await take();
  await send('behind', {orderingKey: 'a'});
  await send('posts', {callback: 'https://hooks.example.com/done', traceparent: '00-a'});
  await journal.work.settle(await take(), {facts: settled('responded'), posts: true});
  await send('waits', {due: clock.now() + hour, expires: clock.now() + 2 * hour, owner: 'f'.repeat(64), mostAttempts: 3});
  const before = await journal.work.list({limit: 99});
  await journal[Symbol.asyncDispose]();

  const withoutRequests = await runCli(['journal', 'export', '--journal', file]);
  t.regex(withoutRequests.stderr, /left out: 5 items of work that are not over; --payloads exports them with their requests/);
  t.notRegex(withoutRequests.stdout, /work\.kept/);
  writeFileSync(from, (await runCli(['journal', 'export', '--payloads', '--journal', file])).stdout);
  const copy = await newFile(t);
  const importIt = (...more: string[]) => runCli(['journal', 'import', from, '--json', '--journal', copy, ...more]);
  const left = await importIt();
  t.regex(left.stderr, /5 items of work were left out: --work takes them over/);
  t.like(JSON.parse(left.stdout), {work: {taken: 0, leftOut: 5}});
  t.like(JSON.parse((await importIt('--work')).stdout), {imported: 0, work: {taken: 5, known: 0, leftOut: 0}});
  t.like(JSON.parse((await importIt('--work')).stdout), {imported: 0, work: {taken: 0, known: 5, leftOut: 0}});

  await using opened = await openFile(copy, clock);
  const {work} = opened;
  t.deepEqual(
    await work.list({limit: 99}),
    before.map(state => (state.id === 'runs' ? {...state, status: 'waiting'} : state)),
  );
  t.like(await work.census(), {waiting: 3, behind: 1, running: 0, dead: 1});
  const claimed = await work.claim(9, limits);
  t.deepEqual(
    claimed.map(({id, task, attempts}) => [id, task, attempts]),
    [
      ['runs', 'run', 2],
      ['posts', 'callback', 1],
    ],
  );
  t.is((await opened.payload('invocation.waits/request'))?.toString(), Uint8Array.from(Buffer.from('waits')).toString());
  const facts = await Array.fromAsync(opened.read('invocation.runs'));
  t.deepEqual(
    facts.map(({fact: {type}}) => type),
    ['invocation.accepted', 'attempt.started', 'attempt.failed', 'attempt.started'],
  );
});

test('work that an import does not understand ends it with the line', async t => {
  const file = await newFile(t);
  const from = `${dirname(dirname(file))}/all.ndjson`;
  const state = {id: 'i', acceptedAt: 1, due: 1, status: 'waiting', attempts: 0, deaths: 0} as const;
  for (const [broken, member] of [
    [{...state, status: 'lost'}, 'status'],
    [{...state, due: '1'}, 'due'],
    [{...state, callback: 'a b'}, 'callback'],
    [{...state, reason: {why: 'bored', class: 'error', status: 1}}, 'reason'],
  ] as const) {
    writeFileSync(from, JSON.stringify(workEvent(broken as unknown as WorkState)));
    const {code, stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`line 1: expected ${member} of work.kept to be as an export writes it`));
  }
  const key = {scope: 's', fingerprint: 'f', until: Date.now() + hour, id: 'i'};
  for (const [broken, member] of [
    [{...key, fingerprint: 'a\nb'}, 'fingerprint'],
    [{...key, until: 1.5}, 'until'],
    [{...key, id: '../i'}, 'id'],
  ] as const) {
    writeFileSync(from, JSON.stringify(keyEvent(broken)));
    const {code, stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`line 1: expected ${member} of key.kept to be as an export writes it`));
  }
  writeFileSync(from, JSON.stringify(keyEvent(key)));
  t.regex(
    (await runCli(['journal', 'import', from, '--journal', file])).stderr,
    /1 idempotency keys were left out: --work takes them over/,
  );
  t.regex((await runCli(['journal', 'import', from, '--work', '--journal', file])).stderr, /1 idempotency keys were left out$/m);
  writeFileSync(from, JSON.stringify(workEvent(state)));
  const {stderr} = await runCli(['journal', 'import', from, '--work', '--journal', file]);
  t.regex(stderr, /1 items of work were left out, as their facts are not there/);
});
