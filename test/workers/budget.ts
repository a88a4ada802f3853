import {PassThrough} from 'node:stream';
import test from 'ava';
import {LineBudget} from '../../src/workers/output/budget.ts';
import {cutMark, longestLineBytes, readLines} from '../../src/workers/output/lines.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

function openBudget(bytesPerSecond: number) {
  const clock = new ManualClock();
  const dropped: number[] = [];
  const budget = new LineBudget({bytesPerSecond, onDropped: lines => void dropped.push(lines)}, clock);
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, line => lines.push(line), {budget});
  const write = async (text: string) => {
    stream.write(text);
    await settle();
  };
  return {clock, dropped, budget, lines, write};
}

test('lines for which a second has no room are dropped whole, and reported once a second', async t => {
  const {clock, dropped, lines, write} = openBudget(1100);
  await write('1\n2\n3\n4\n5\n6');
  t.deepEqual(lines, ['1', '2', '3']); // a record costs 512 bytes beside its text
  await clock.advance(999);
  t.deepEqual(dropped, []);
  await write('6\n7\n');
  await clock.advance(1);
  t.deepEqual(dropped, [4]);
  await write('8\n');
  t.deepEqual(lines, ['1', '2', '3', '8']);
  await clock.advance(60_000);
  t.deepEqual(dropped, [4]);
  t.is(clock.pending, 0);
});

test('a line that began before the budget was spent, and one that ends after, are whole or not there', async t => {
  const {clock, lines, write} = openBudget(600);
  await write('1\n2\n3 begins');
  await clock.advance(1000);
  await write(' and ends\n');
  t.deepEqual(lines, ['1', '2', '3 begins and ends']);
});

test('all parts of a long line are dropped with it, and it counts as one', async t => {
  const {clock, dropped, lines, write} = openBudget(100);
  await write('first\n');
  await write('x'.repeat(longestLineBytes * 3));
  await clock.advance(999);
  await write('x\nnext\n');
  t.deepEqual(lines, ['first']);
  await clock.advance(1000);
  t.deepEqual(dropped, [2]);
  await write('after\n');
  t.deepEqual(lines, ['first', 'after']);
});

test('a line without an end is reported as dropped while it goes on', async t => {
  const {clock, dropped, lines, write} = openBudget(100);
  await write('first\n');
  await write('x'.repeat(longestLineBytes * 3));
  await clock.advance(1000);
  t.deepEqual(dropped, [1]);
  await write('x'.repeat(longestLineBytes));
  await clock.advance(1000);
  t.deepEqual(dropped, [1]);
  t.deepEqual(lines, ['first']);
});

test('a long line that is cut short by the budget says that it went on', async t => {
  const {lines, write} = openBudget(100);
  await write(`${'x'.repeat(longestLineBytes * 2)}\n`);
  t.deepEqual(
    lines.map(line => line.length),
    [longestLineBytes + cutMark.length],
  );
});

test('of 100 MB of two-byte lines each is kept or counted', async t => {
  const {clock, dropped, lines, budget} = openBudget(10 * 2 ** 20);
  const stream = new PassThrough({highWaterMark: 2 ** 20});
  readLines(stream, line => lines.push(line), {budget});
  const chunk = 'y\n'.repeat(2 ** 15);
  for (let chunks = 0; chunks < 1600; chunks++) stream.write(chunk);
  await settle();
  await clock.advance(1000);
  t.is(lines.length + (dropped[0] ?? 0), 1600 * 2 ** 15);
  t.true(lines.length < 100_000);
});

test('dropped lines that were not reported are reported when the process ends, at once and only once', async t => {
  const {clock, dropped, budget, write} = openBudget(100);
  budget.tell();
  t.deepEqual(dropped, []);
  await write('1\n2\n3\n');
  budget.tell();
  t.deepEqual(dropped, [2]);
  t.is(clock.pending, 0);
  await write('4\n');
  await clock.advance(1000);
  t.deepEqual(dropped, [2, 1]);
});
