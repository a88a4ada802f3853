import test from 'ava';
import {tellLost} from '../../src/observe/lost.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog} from '../helpers/fakes.ts';

test('lost spans are counted each time, and told at once and then once a minute', async t => {
  const clock = new ManualClock();
  const log = recordingLog();
  const counted: number[] = [];
  const lost = tellLost((_reason, spans) => void counted.push(spans), log, clock);
  const told = () => log.lines.map(({fields}) => fields.spans);
  lost('not_taken', 3);
  t.deepEqual(told(), [3]);
  lost('not_taken', 4);
  lost('queue_full', 5);
  await clock.advance(59_999);
  t.deepEqual(told(), [3]);
  await clock.advance(1);
  t.deepEqual(told(), [3, 9]);
  await clock.advance(60_000);
  lost('not_taken', 1);
  t.deepEqual(told(), [3, 9, 1]);
  t.deepEqual(counted, [3, 4, 5, 1]);
});
