import http from 'node:http';
import type {AddressInfo} from 'node:net';
import {SpanKind} from '@opentelemetry/api';
import type {ReadableSpan, SpanExporter} from '@opentelemetry/sdk-trace';
import test from 'ava';
import {openOtlp} from '../../src/observe/traces/exporters.ts';
import {openRecorder} from '../helpers/recorder.ts';

/** What a collector may answer with 200, and how many spans it has rejected by that. */
const answers: [title: string, body: string | Buffer, rejected: readonly (readonly [number, string])[]][] = [
  ['nothing', '', []],
  ['an empty object', '{}', []],
  ['null for the part', '{"partialSuccess":null}', []],
  ['none rejected', '{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow down"}}', []],
  ['three as a text', '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}', [[3, 'too old']]],
  ['three as a number', '{"partialSuccess":{"rejectedSpans":3}}', [[3, '']]],
  ['the names of protobuf', '{"partial_success":{"rejected_spans":3,"error_message":"too old"}}', [[3, 'too old']]],
  ['less than none', '{"partialSuccess":{"rejectedSpans":"-3"}}', []],
  ['a number that is none', '{"partialSuccess":{"rejectedSpans":"many"}}', []],
  ['a number without end', '{"partialSuccess":{"rejectedSpans":1e400}}', []],
  ['a part that is a text', '{"partialSuccess":"rejectedSpans"}', []],
  ['text', 'ok', []],
  ['half an object', '{"partialSuccess":{"rej', []],
];
const binary = Buffer.from([0x0a, 0x0b, 0x08, 0x03, 0x12, 0x07, ...Buffer.from('too old')]);

/** One span that has ended. */
function record(): ReadableSpan {
  const ended: ReadableSpan[] = [];
  const recorder = openRecorder({onStart() {}, onEnd: span => void ended.push(span), forceFlush: async () => {}, shutdown: async () => {}});
  recorder.start({name: 'a', kind: SpanKind.SERVER, attributes: {}, parent: undefined, links: undefined, startMs: 1}).end(2);
  return ended[0] as ReadableSpan; // it was sampled
}

const send = (exporter: SpanExporter, span: ReadableSpan) =>
  new Promise<number>(resolve => exporter.export([span], ({code}) => resolve(code)));

for (const protocol of ['http/protobuf', 'http/json']) {
  test.serial(
    `over ${protocol}, spans that a collector says it rejected are reported, and no answer fails an export that it took`,
    async t => {
      let body: string | Buffer = '';
      const server = http.createServer((request, response) => {
        request.resume().on('end', () => response.end(body));
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      t.teardown(() => {
        server.closeAllConnections();
        server.close();
      });
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // the exporter reads it there
      const told: [number, string][] = [];
      const exporter = await openOtlp(protocol, (spans, cause) => void told.push([spans, cause]));
      const ofBinary: typeof answers = protocol === 'http/protobuf' ? [['three in protobuf', binary, [[3, 'too old']]]] : [];
      for (const [title, answer, rejected] of [...answers, ...ofBinary]) {
        body = answer;
        told.length = 0;
        t.is(await send(exporter, record()), 0, title);
        t.deepEqual(
          told,
          rejected.map(each => [...each]),
          title,
        );
      }
      await exporter.shutdown();
    },
  );
}
