import test from 'ava';
import type {RequestInput} from '../../src/delivery.ts';
import type {Outcome} from '../../src/replay/compare.ts';
import {judge} from '../../src/replay/judge.ts';
import {plainComparison} from '../../src/replay/plain.ts';
import {notReplayable} from '../../src/replay/recall.ts';
import type {Compared} from '../../src/replay/replay.ts';
import {Report} from '../../src/replay/report.ts';
import {noSecrets} from '../../src/replay/secrets.ts';

const code = {recorded: 'a'.repeat(64), baseline: 'a'.repeat(64), candidate: undefined};
const answer = (body: object): Outcome => ({
  status: 200,
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from(JSON.stringify(body)),
});

function compared(id: string, expected: object, actual: object, path = '/orders'): Compared {
  const request: RequestInput = {
    shape: 'request',
    eventType: 'http',
    reply: 'http',
    method: 'GET',
    path,
    query: 'token=canary',
    headers: [],
    body: Buffer.alloc(0),
    sourceIp: '',
  };
  const recalled = {id, run: {position: 1, until: 2}, acceptedAt: 0, request, secrets: noSecrets, isTraced: false, reply: undefined};
  const [one, other, noise] = [answer(expected), answer(actual), new Set<string>()];
  return {
    recalled,
    expected: one,
    actual: other,
    noise,
    secrets: noSecrets,
    judgement: judge(one, other, {noise, isRedacted: () => false}),
  };
}

test('a report without invocations says so', t => {
  const report = new Report({baseline: 'handler.js', candidate: undefined});
  t.is(
    report.text(),
    'Replayed 0 invocations: handler.js against what was recorded\n\n  same 0   noise 0   status 0   headers 0   body 0   error 0',
  );
  t.deepEqual([report.compared, report.hindered, report.changed.size], [0, 0, 0]);
});

test('changed invocations come first in a table of bounded length, with one diff of each kind', t => {
  const report = new Report({baseline: 'handler.js', candidate: 'changed.js'});
  for (let index = 0; index < 30; index++) report.add(compared(`same-${index}`, {a: 1}, {a: 1}), code);
  for (let index = 0; index < 5; index++) report.add(compared(`total-${index}`, {total: index}, {total: index + 1}), code);
  report.add(compared('name-0', {name: 'Ada'}, {name: 'Bob'}), code);
  const text = report.text();
  t.regex(text, /same 30 {3}noise 0 {3}status 0 {3}headers 0 {3}body 6 {3}error 0/);
  const rows = text.split('\n').filter(line => /^ {2}\S+ +GET \/orders +200/.test(line));
  t.is(rows.length, 20);
  t.regex(rows[0] ?? '', /total-0 .* body$/);
  t.regex(rows[5] ?? '', /name-0/);
  t.regex(text, /and 16 more; --json has all/);
  t.is(text.match(/--- baseline\n {2}\+\+\+ changed\.js/g)?.length, 2);
  t.regex(text, /- {3}"name": "Ada"\n {2}\+ {3}"name": "Bob"/);
  t.deepEqual([...report.changed], ['body']);
});

test('the reasons for which some were not replayed are counted, and those with other code', t => {
  const report = new Report({baseline: 'handler.js', candidate: undefined});
  for (const id of ['one', 'two']) report.addHindered(notReplayable(id, 'facts-only'));
  report.addHindered(notReplayable('three', 'shredded'));
  report.add(compared('four', {}, {}), {...code, recorded: 'b'.repeat(64)});
  const text = report.text();
  t.regex(text, /not replayable 3/);
  t.regex(text, /2 not replayable: it was recorded without its request and reply: start the core with CORE_JOURNAL_HTTP=full/);
  t.regex(text, /1 not replayable: its request or its reply/);
  t.regex(text, /1 recorded with other code than handler\.js has now/);
});

test('neither a query nor what a terminal would obey is printed', t => {
  const report = new Report({baseline: 'handler.js', candidate: undefined});
  report.add(compared('one', {a: 1}, {a: '\u001b[2J'}, '/\u001b[31m'), code);
  t.false(report.text().includes('\u001b'));
  t.notRegex(report.text(), /canary/);
});

test('a line for machines has both values of each difference, and no more differences than fit', t => {
  const many = (add: number) => Object.fromEntries(Array.from({length: 30}, (_, index) => [`m${index}`, index + add]));
  const line = plainComparison(compared('one', {...many(0), long: 'a'}, {...many(1), long: 'b'.repeat(5000)}), code);
  t.like(line, {type: 'replay.compared', invocationId: 'one', verdict: 'body', changed: ['body'], moreDifferences: 11});
  t.deepEqual(line.differences[0], {aspect: 'body', path: '/m0', meaning: 'changed', expected: '0', actual: '1'});
  t.is(line.differences.length, 20);
  const long = plainComparison(compared('one', {long: 'a'}, {long: 'b'.repeat(5000)}), code).differences[0];
  t.is(long?.actual?.length, 1001);
  t.notRegex(JSON.stringify(line), /canary/);
});
