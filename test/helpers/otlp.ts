import http from 'node:http';
import type {AddressInfo} from 'node:net';

/** A span as OTLP's JSON has it, its attributes as a plain record. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly status: {readonly code?: number; readonly message?: string};
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly {readonly traceId: string; readonly spanId: string}[];
  readonly events?: readonly {readonly name: string; readonly attributes: Readonly<Record<string, unknown>>}[];
}

export const kinds = {internal: 1, server: 2, client: 3, producer: 4, consumer: 5} as const;

/** A collector's door: takes OTLP over HTTP in JSON and keeps the spans. */
export async function openReceiver() {
  const spans: ReceivedSpan[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
      response.writeHead(200, {'Content-Type': 'application/json'}).end('{}');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  return {
    spans,
    /** What a core needs to send its spans here. */
    env: {OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json'},
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

type Attribute = {key: string; value: Record<string, unknown>};

/** The spans of an export request of OTLP, in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the payload of a protocol, checked by the tests that read it
export function spansOf(payload: any): ReceivedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return payload.resourceSpans.flatMap(({resource, scopeSpans}: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above
    scopeSpans.flatMap(({spans}: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      spans.map((span: any) => ({
        ...span,
        attributes: record(span.attributes),
        resource: record(resource.attributes),
        // biome-ignore lint/suspicious/noExplicitAny: as above
        events: (span.events ?? []).map((event: any) => ({...event, attributes: record(event.attributes)})),
      })),
    ),
  );
}

const record = (attributes: Attribute[] = []) => Object.fromEntries(attributes.map(({key, value}) => [key, Object.values(value)[0]]));
