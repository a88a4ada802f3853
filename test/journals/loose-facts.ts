import {randomUUID} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import type {Fact} from '../../src/facts.ts';
import {writeLine} from '../../src/journals/sqlite/line.ts';
import {LooseFacts, linesOf} from '../../src/journals/sqlite/loose-facts.ts';

const stream = 'invocation.01a226c2-15e0-7873-a8c9-96e31ed3cc3b';
const asFact = (type: string, data: object) => ({type, data}) as unknown as Fact;

function roundTrip(entries: readonly (readonly [stream: string, at: number, fact: Fact])[]) {
  const gathered = new LooseFacts();
  for (const [name, at, fact] of entries) gathered.add(name, at, fact);
  const parse = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line));
  return {
    bytes: gathered.length,
    got: parse(linesOf(structuredClone(gathered.take()))),
    expected: parse(entries.map(([name, at, fact]) => writeLine(name, at, fact)).join('')),
  };
}

const number = fc.oneof(
  fc.double(),
  fc.nat(),
  fc.integer(),
  fc.nat().map(n => n / 1000),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, 2 ** 32 - 1, 2 ** 32 - 2, 0),
);
const members = fc.dictionary(
  fc.constantFrom(
    'bytes',
    'attempt',
    'status',
    'durationMs',
    'waitedMs',
    'calledAtMs',
    'calledMs',
    'pid',
    'cold',
    'code',
    'traceparent',
    '__proto__',
  ),
  fc.oneof({weight: 6, arbitrary: number}, fc.boolean(), fc.string(), fc.constant(undefined), fc.constant(null)),
);
const fact = fc
  .tuple(
    fc.constantFrom('invocation.accepted', 'invocation.settled', 'attempt.failed'),
    fc.constantFrom(
      {source: 'http'},
      {source: 'cron:é'},
      {outcome: 'responded'},
      {outcome: 'failed'},
      {source: 'http', outcome: 'responded'},
      {},
    ),
    members,
  )
  .map(([type, main, more]) => asFact(type, {...main, ...more}));
const name = fc.oneof(
  fc.constant(stream),
  fc.uuid().map(id => `invocation.${id}`),
  fc.string().map(id => `invocation.${id}`),
);

test('every fact comes out as it went in, whatever it says, in its order', t => {
  const entry = fc.tuple(name, fc.integer({min: 0, max: 2 ** 45}), fact);
  fc.assert(
    fc.property(fc.array(entry, {maxLength: 40}), entries => {
      const {got, expected} = roundTrip(entries);
      t.deepEqual(got, expected);
    }),
    {numRuns: 300},
  );
});

test('the two facts of a call that went well take 80 bytes each', t => {
  const accepted = asFact('invocation.accepted', {source: 'http', bytes: 0, attempt: 1});
  const settled = asFact('invocation.settled', {
    outcome: 'responded',
    status: 200,
    durationMs: 1.234,
    calledAtMs: 0.1,
    calledMs: 1.1,
    pid: 7,
  });
  const {bytes, got, expected} = roundTrip([
    [stream, 1, accepted],
    [stream, 2, settled],
  ]);
  t.is(bytes, 160);
  t.deepEqual(got, expected);
});

test('what is cut off is not taken for less', t => {
  const gathered = new LooseFacts();
  gathered.add(stream, 1, asFact('invocation.accepted', {source: 'http', bytes: 0, attempt: 1}));
  gathered.add('invocation.x', 1, asFact('attempt.failed', {text: 'abc'}));
  const all = gathered.take();
  for (const length of [4, 40, 79, 84, all.length - 4])
    t.throws(() => linesOf(all.subarray(0, length)), {instanceOf: RangeError}, `${length}`);
});

test('many facts grow the memory that holds them, and what is taken has memory of its own', t => {
  const gathered = new LooseFacts();
  for (let count = 0; count < 2000; count++) {
    gathered.add(`invocation.${randomUUID()}`, count, asFact('invocation.accepted', {source: 'http', bytes: count, attempt: 1}));
    gathered.add('invocation.x', count, asFact('attempt.failed', {text: 'é'.repeat(count)}));
  }
  const taken = gathered.take();
  t.is(gathered.length, 0);
  t.is(taken.buffer.byteLength, taken.byteLength);
  t.is(linesOf(taken).split('\n').length, 4001);
  gathered.add(stream, 1, asFact('invocation.accepted', {source: 'http', bytes: 5, attempt: 1}));
  t.is(linesOf(gathered.take()).split('\n').length, 2);
});
