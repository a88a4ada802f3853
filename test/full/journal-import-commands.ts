import {existsSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {factEvent} from '../../src/journals/cloud-event.ts';
import {runCli} from '../helpers/core.ts';
import {fact} from '../helpers/journal-suite.ts';
import {newFile} from '../helpers/sqlite-journal.ts';

/* What an import refuses, and what it takes twice. */

const noStack = /\n\s+at /;
const line = (stream: string, position: number, type = 'invocation.accepted') =>
  JSON.stringify(factEvent({stream, position, at: 1_764_000_000_000 + position, fact: {...fact(position), type} as Fact})); // also what is no type

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
