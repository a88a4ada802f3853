import test from 'ava';
import {logLost} from '../../src/observe/traces/lost.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog} from '../helpers/fakes.ts';

function open() {
  const clock = new ManualClock();
  const log = recordingLog();
  const counted: number[] = [];
  const {lost, close} = logLost((_reason, spans) => void counted.push(spans), log, clock);
  return {clock, log, counted, lost, close, told: () => log.lines.map(({fields}) => fields.spans)};
}

test('lost spans are counted each time, and logged at once and then once a minute', async t => {
  const {clock, log, counted, lost, told} = open();
  lost('not_taken', 3, 'otlp', 'refused');
  t.deepEqual(told(), [3]);
  lost('not_taken', 4, 'otlp', 'x'.repeat(1000));
  lost('queue_full', 5, 'otlp');
  await clock.advance(59_999);
  t.deepEqual(told(), [3]);
  await clock.advance(1);
  t.deepEqual(told(), [3, 9]);
  t.deepEqual(log.lines[1]?.fields, {spans: 9, reasons: {not_taken: 4, queue_full: 5}, exporter: 'otlp', cause: 'x'.repeat(500)});
  await clock.advance(60_000);
  lost('not_taken', 1, 'zipkin');
  t.deepEqual(told(), [3, 9, 1]);
  t.deepEqual(log.lines[2]?.fields, {spans: 1, reasons: {not_taken: 1}, exporter: 'zipkin'});
  t.deepEqual(counted, [3, 4, 5, 1]);
});

test('lost spans that were not logged yet are logged at the close, and no timer is left', async t => {
  const {clock, lost, told, close} = open();
  lost('not_taken', 3, 'otlp');
  lost('stopped', 4, 'otlp');
  close();
  t.deepEqual(told(), [3, 4]);
  await clock.advance(600_000);
  t.deepEqual(told(), [3, 4]);
});

test('where nothing was lost the close says nothing', t => {
  const {told, close} = open();
  close();
  t.deepEqual(told(), []);
});
