import {type Attributes, context, SpanKind, trace} from '@opentelemetry/api';
import {ProtobufTraceSerializer} from '@opentelemetry/otlp-transformer';
import {resourceFromAttributes} from '@opentelemetry/resources';
import {AlwaysOnSampler, ParentBasedSampler, type ReadableSpan, type SpanProcessor, TracerProvider} from '@opentelemetry/sdk-trace';
import {systemClock} from '../src/clock.ts';
import {spanSerializer} from '../src/observe/traces/otlp.ts';
import {recordedSpans} from '../src/observe/traces/recorded.ts';
import {Recorder} from '../src/observe/traces/recorder.ts';
import {openSampler} from '../src/observe/traces/sampler.ts';
import {markdownTable, paired, shown, spreadOf} from './figures.ts';
import {loadBefore, machine} from './program.ts';

/*
Whether spans of our own still pay: the two spans of an invocation, recorded and written for OTLP, by us and by the SDK. CPU
time of this process, without the sending.

    node bench/spans.ts [rounds] [invocations]
*/

const [rounds = 5, invocations = 100_000] = process.argv.slice(2).map(Number);
const batch = 512;
const resource = resourceFromAttributes({'service.name': 'hello', 'faas.name': 'hello'});
const server = {host: 'unix', port: 0};

/** Hands batches to a serializer, as an exporter does, and drops what it wrote. */
class Batches implements SpanProcessor {
  readonly #write: (spans: ReadableSpan[]) => unknown;
  #spans: ReadableSpan[] = [];

  constructor(write: (spans: ReadableSpan[]) => unknown) {
    this.#write = write;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#spans.push(span) < batch) return;
    this.#write(this.#spans);
    this.#spans = [];
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

const byUs = (spans: ReadableSpan[]) => spanSerializer.serializeRequest(spans);
const bySdk = (spans: ReadableSpan[]) => ProtobufTraceSerializer.serializeRequest(spans);
const ways: Readonly<Record<string, (id: string) => void>> = {
  'ours, written by us': recorded(byUs),
  'ours, written by the SDK': recorded(bySdk),
  'the SDK’s, written by the SDK': ofSdk(),
};

const found = new Map(Object.keys(ways).map((name): [string, number[]] => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, invoke] of Object.entries(ways)) {
    const before = process.cpuUsage();
    for (let index = 0; index < invocations; index++) invoke(`01a2068b-f0ed-7c75-9692-${index.toString(16).padStart(12, '0')}`);
    const {user, system} = process.cpuUsage(before);
    if (round > 0) found.get(name)?.push((user + system) / invocations); // the first round warms up
  }
}
console.log(`${machine()}, ${rounds} rounds of ${invocations} invocations, in turn, ${loadBefore()}\n`);
const ours = found.get('ours, written by us') ?? [];
console.log(
  markdownTable(
    ['two spans', 'CPU µs (min–max)', 'ratio'],
    [...found].map(([name, times]) => [name, shown(spreadOf(times)), shown(paired(times, ours))]),
  ),
);

function recorded(write: (spans: ReadableSpan[]) => unknown): (id: string) => void {
  const processors = [new Batches(write)];
  const recorder = new Recorder({processors, resource, sampler: openSampler({}), mostCharacters: Number.POSITIVE_INFINITY});
  const spans = recordedSpans({recorder, functionName: 'hello', clock: systemClock});
  const subject = {trigger: 'http', method: 'GET', path: '/', address: 'localhost'} as const;
  const delivery = {subject: () => subject, traceCarrier: {get: () => ''}} as unknown as Parameters<typeof spans.invocation>[1]; // the rest is not read
  return id => {
    const span = spans.invocation(id, delivery);
    span.call(0, server).answered(200);
    span.ended({status: 200, headers: [], body: ''});
  };
}

function ofSdk(): (id: string) => void {
  const sampler = new ParentBasedSampler({root: new AlwaysOnSampler()});
  const provider = new TracerProvider({resource, sampler, spanProcessors: [new Batches(bySdk)]});
  const tracer = provider.getTracer('core-runtime');
  const root = context.active();
  return id => {
    const attributes: Attributes = {'url.path': '/', 'url.scheme': 'http', 'server.address': 'localhost', 'http.request.method': 'GET'};
    Object.assign(attributes, {'faas.trigger': 'http', 'faas.invocation_id': id, 'faas.coldstart': false});
    const span = tracer.startSpan('GET hello', {kind: SpanKind.SERVER, attributes}, root);
    const inner = trace.setSpan(root, span);
    const call = tracer.startSpan(
      'POST',
      {kind: SpanKind.CLIENT, attributes: {'server.address': server.host, 'server.port': server.port, 'http.request.method': 'POST'}},
      inner,
    );
    call.setAttribute('http.response.status_code', 200);
    call.end();
    span.setAttribute('http.response.status_code', 200);
    span.end();
  };
}
