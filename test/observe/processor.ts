import {SpanKind} from '@opentelemetry/api';
import test from 'ava';
import {openProcessors} from '../../src/observe/traces/processor.ts';
import {ManualClock} from '../helpers/clock.ts';
import {openReceiver} from '../helpers/otlp.ts';
import {openRecorder} from '../helpers/recorder.ts';

const exporters: [names: string | undefined, processors: number][] = [
  ['none', 0],
  ['jaeger', 0],
  ['otlp,none', 0],
  [undefined, 1],
  [' otlp ', 1],
  ['otlp,bogus', 1],
  ['zipkin', 1],
  ['console', 1],
  ['otlp, zipkin, console', 3],
  [',', 1],
];
for (const [names, processors] of exporters) {
  test(`OTEL_TRACES_EXPORTER=${names} exports in ${processors} ways`, async t => {
    const opened = await openProcessors(
      names === undefined ? {} : {OTEL_TRACES_EXPORTER: names},
      () => t.fail('no span was recorded'),
      new ManualClock(),
    );
    t.is(opened.length, processors);
    for (const each of opened) await each.shutdown();
  });
}

for (const protocol of ['grpc', 'http/json', 'http/protobuf', 'htp']) {
  test(`OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} has an exporter`, async t => {
    const opened = await openProcessors({OTEL_EXPORTER_OTLP_PROTOCOL: protocol}, () => t.fail('no span was recorded'), new ManualClock());
    t.is(opened.length, 1);
    await opened[0]?.shutdown();
  });
}

for (const name of ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'OTEL_BSP_MAX_QUEUE_SIZE']) {
  test.serial(`${name}=0 is passed over: the queue empties`, async t => {
    const collector = await openReceiver();
    t.teardown(collector.close);
    Object.assign(process.env, collector.env); // the exporter reads it there
    const [processor] = await openProcessors({...collector.env, [name]: '0'}, () => t.fail('no span is lost'), new ManualClock());
    if (!processor) throw new TypeError('Expected a processor');
    const recorder = openRecorder(processor);
    recorder.start({name: 'a', kind: SpanKind.SERVER, attributes: {}, parent: undefined, links: undefined, startMs: 1}).end(2);
    await processor.forceFlush();
    t.is(collector.spans.length, 1);
    await processor.shutdown();
  });
}
