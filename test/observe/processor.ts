import test from 'ava';
import {openProcessors} from '../../src/observe/processor.ts';

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
];
for (const [names, processors] of exporters) {
  test(`OTEL_TRACES_EXPORTER=${names} exports in ${processors} ways`, async t => {
    const opened = await openProcessors(names === undefined ? {} : {OTEL_TRACES_EXPORTER: names}, () => t.fail('no span was recorded'));
    t.is(opened.length, processors);
    for (const each of opened) await each.shutdown();
  });
}

for (const protocol of ['grpc', 'http/json', 'http/protobuf', 'htp']) {
  test(`OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} has an exporter`, async t => {
    const opened = await openProcessors({OTEL_EXPORTER_OTLP_PROTOCOL: protocol}, () => t.fail('no span was recorded'));
    t.is(opened.length, 1);
    await opened[0]?.shutdown();
  });
}
