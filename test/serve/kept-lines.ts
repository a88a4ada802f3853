import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {Payload} from '../../src/journal.ts';
import {readLog} from '../../src/journals/payload.ts';
import type {FunctionLine} from '../../src/log.ts';
import {KeptLines, lateMs} from '../../src/serve/kept-lines.ts';
import {ManualClock} from '../helpers/clock.ts';

function prepare(mostCharacters = 2 ** 20) {
  const clock = new ManualClock();
  const kept: {stream: string; facts: readonly Fact[]; payloads: readonly Payload[]}[] = [];
  const lines = new KeptLines({recordIn: (stream, facts, payloads) => void kept.push({stream, facts, payloads})}, mostCharacters, clock);
  const say = (invocationId: string | undefined, line: string, more: Partial<FunctionLine> = {}) =>
    lines.take({stream: 'stdout', line, ...(invocationId !== undefined && {invocationId}), ...more});
  const texts = () => kept.map(({payloads: [payload]}) => readLog(payload?.bytes ?? Buffer.alloc(0)).lines.map(({line}) => line));
  return {clock, kept, lines, say, texts};
}

test('lines of no invocation, and of one that is not kept in full, are not kept', async t => {
  const {clock, kept, lines, say} = prepare();
  say('a', 'before');
  lines.begin('a');
  say('b', 'another');
  say(undefined, 'nobody');
  lines.end('a');
  lines.end('b');
  await clock.advance(lateMs);
  say('a', 'much later');
  t.deepEqual(kept, []);
  t.is(clock.pending, 0);
});

test('what an invocation wrote is one fact with a payload, shortly after its end; late lines count', async t => {
  const {clock, kept, lines, say} = prepare();
  lines.begin('a');
  say('a', 'one');
  await clock.advance(10);
  lines.end('a');
  await clock.advance(lateMs - 1);
  say('a', 'boom', {stream: 'stderr', level: 'error', stack: 'boom\n  at f'});
  t.deepEqual(kept, []);
  await clock.advance(1);
  const [{stream, facts, payloads} = {stream: '', facts: [], payloads: []}] = kept;
  t.is(stream, 'log.a');
  t.deepEqual(facts, [{type: 'invocation.logged', data: {lines: 2, bytes: 3 + 4 + 11, dataref: 'invocation.a/log'}}]);
  t.is(payloads[0]?.name, 'invocation.a/log');
  const begin = Date.UTC(2026, 0, 1);
  t.deepEqual(readLog(payloads[0]?.bytes ?? Buffer.alloc(0)), {
    lines: [
      {at: begin, stream: 'stdout', line: 'one'},
      {at: begin + 10 + lateMs - 1, stream: 'stderr', line: 'boom', level: 'error', stack: 'boom\n  at f'},
    ],
    dropped: 0,
  });
});

test('each invocation has room for 64 Ki characters, and for its errors beyond that; the rest is counted', async t => {
  const {clock, kept, lines, say, texts} = prepare();
  lines.begin('a');
  for (let index = 0; index < 100; index++) say('a', 'x'.repeat(1000));
  say('a', 'why', {level: 'error', stack: 'y'.repeat(10_000)});
  say('a', 'again', {level: 'error', stack: 'y'.repeat(10_000)});
  lines.end('a');
  await clock.advance(lateMs);
  t.is(texts()[0]?.length, 61 + 1);
  t.is(texts()[0]?.at(-1), 'why');
  t.like(kept[0]?.facts[0]?.data, {lines: 62, dropped: 40});
});

test('all invocations together have a bound, and what was kept makes room', async t => {
  const {clock, lines, say, texts} = prepare(200);
  for (const id of ['a', 'b']) {
    lines.begin(id);
    say(id, 'x'.repeat(100));
  }
  lines.end('a');
  await clock.advance(lateMs);
  say('b', 'y'.repeat(100));
  lines.end('b');
  await clock.advance(lateMs);
  t.deepEqual(texts(), [['x'.repeat(100)], ['y'.repeat(100)]]);
});

test('each end has its own wait, and a stop keeps what is there', async t => {
  const {clock, kept, lines, say} = prepare();
  for (const id of ['a', 'b', 'c']) {
    lines.begin(id);
    say(id, id);
  }
  lines.end('a');
  await clock.advance(100);
  lines.end('b');
  await clock.advance(lateMs - 100);
  t.deepEqual(
    kept.map(({stream}) => stream),
    ['log.a'],
  );
  lines[Symbol.dispose]();
  t.deepEqual(
    kept.map(({stream}) => stream),
    ['log.a', 'log.b', 'log.c'],
  );
  t.is(clock.pending, 0);
});
