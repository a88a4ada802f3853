import {trace} from '@opentelemetry/api';
import test from 'ava';
import {longestValue, openTelemetry} from '../../src/observe/traces/telemetry.ts';
import {ManualClock} from '../helpers/clock.ts';
import {openSilent} from '../helpers/collector.ts';
import {recordingLog} from '../helpers/fakes.ts';

test('a collector that never answers is given two seconds at the stop, not more', async t => {
  const env = {OTEL_EXPORTER_OTLP_ENDPOINT: await openSilent(t), OTEL_EXPORTER_OTLP_TIMEOUT: '600000', OTEL_BSP_EXPORT_TIMEOUT: '600000'};
  Object.assign(process.env, env); // the exporter reads it there
  const clock = new ManualClock();
  const identity = {functionName: 'hello', functionVersion: '', instance: 'a', memoryBytes: 1};
  const losses: unknown[] = [];
  const telemetry = await openTelemetry(identity, {env, clock, lost: (...loss) => void losses.push(loss), log: recordingLog()});
  trace.getTracer('test').startSpan('waits').end();

  let isClosed = false;
  const closed = telemetry[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await clock.advance(1999);
  t.false(isClosed);
  t.deepEqual(losses, []);
  await clock.advance(1);
  await closed;
  t.true(isClosed);
  t.deepEqual(losses, [['stopped', 1, 'otlp', undefined]]);
  await clock.advance(600_000);
  t.is(losses.length, 1);
  t.is(clock.pending, 0);
});

const [general, ofSpans] = ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT'];
const limits: [env: Record<string, string>, most: number][] = [
  [{}, Number.POSITIVE_INFINITY],
  [{[general]: '4'}, 4],
  [{[general]: '4', [ofSpans]: ' 8 '}, 8],
  [{[general]: '4', [ofSpans]: 'many'}, 4],
  [{[general]: '4', [ofSpans]: ' '}, 4],
  [{[general]: '0'}, Number.POSITIVE_INFINITY],
  [{[general]: '4', [ofSpans]: '-1'}, Number.POSITIVE_INFINITY],
];
for (const [env, most] of limits) {
  test(`texts are as long as ${JSON.stringify(env)} says: a value that the SDK does not take for a limit is none`, t => {
    t.is(longestValue(env), most);
  });
}
