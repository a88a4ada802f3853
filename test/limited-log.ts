import test from 'ava';
import {LimitedLog} from '../src/limits/limited-log.ts';
import {ManualClock} from './helpers/clock.ts';
import {recordingLog} from './helpers/fakes.ts';

test('of a flood of one kind, twenty lines a second are written, and one that counts the rest', async t => {
  const [log, clock] = [recordingLog(), new ManualClock()];
  const limited = new LimitedLog(log, clock);
  for (let count = 0; count < 5332; count++) limited.write('warn', 'POOL_BUSY', {invocationId: String(count)}, 'busy');
  limited.write('error', 'INTERNAL', {}, 'a bug');
  t.is(log.lines.length, 21, 'another kind has lines of its own');
  await clock.advance(1000);
  t.deepEqual(log.lines.at(-1), {level: 'warn', fields: {code: 'POOL_BUSY', more: 5312}, message: '… and 5,312 more like it'});
  t.is(log.lines.length, 22);
  limited.write('warn', 'POOL_BUSY', {}, 'busy again');
  t.is(log.lines.at(-1)?.message, 'busy again');
});

test('with few lines nothing is counted, and nothing is kept', async t => {
  const [log, clock] = [recordingLog(), new ManualClock()];
  const limited = new LimitedLog(log, clock);
  for (let count = 0; count < 20; count++) limited.write('warn', 'POOL_BUSY', {}, 'busy');
  await clock.advance(10_000);
  t.is(log.lines.length, 20);
  t.is(clock.pending, 0);
});
