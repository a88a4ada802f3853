import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {factEvent} from '../../src/journals/cloud-event.ts';
import {runCli} from '../helpers/core.ts';
import {outputOf} from '../helpers/process.ts';
import {cliProgram} from '../helpers/programs.ts';
import {crashed, newFile, openFile, written} from '../helpers/sqlite-journal.ts';

const noStack = /\n\s+at /;

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

test('a reader that has read enough ends the export without a message', async t => {
  const file = await newFile(t);
  await written(file, 60, 100);
  const child = spawn(process.execPath, [cliProgram, 'journal', 'export', '--journal', file], {
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
  if (spawnSync(process.execPath, [cliProgram, '--version'], nobody).status !== 0) {
    t.log('Not tested: the project stands where nobody else may read it');
    return t.pass();
  }
  const {file} = await crashed(t, 3);
  const folder = dirname(file);
  const asNobody = async () => {
    const child = spawn(process.execPath, [cliProgram, 'facts', '--journal', file], nobody);
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

  const child = spawn(process.execPath, [cliProgram, 'facts', '--follow', '--json', '--journal', file], {
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
