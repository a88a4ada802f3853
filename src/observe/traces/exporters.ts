import {OTLPExporterBase} from '@opentelemetry/otlp-exporter-base';
import {convertLegacyHttpOptions, createOtlpHttpExportDelegate} from '@opentelemetry/otlp-exporter-base/node-http';
import {type ISerializer, JsonTraceSerializer, TraceExporterMetricsHelper} from '@opentelemetry/otlp-transformer';
import type {ReadableSpan, SpanExporter} from '@opentelemetry/sdk-trace';
import {spanSerializer} from './otlp.ts';

/** Called with the number of spans that a collector rejected out of an export that it took, and its reason. */
export type Rejected = (spans: number, cause: string) => void;

type Serializer = ISerializer<ReadableSpan[], unknown>;

/**
The SDK's exporters for OTLP, except that the core writes the spans and reads the answers. The SDK itself reads endpoint,
headers, timeout, compression and certificates from the environment.
*/
export function openOtlp(protocol: string | undefined, rejected: Rejected): Promise<SpanExporter> {
  if (protocol === 'grpc') return openGrpc(reading(spanSerializer, rejected));
  if (protocol === 'http/json') return openHttp('application/json', reading(JsonTraceSerializer as Serializer, rejected));
  return openHttp('application/x-protobuf', reading(spanSerializer, rejected));
}

export async function openZipkin(): Promise<SpanExporter> {
  const {ZipkinExporter} = await import('@opentelemetry/exporter-zipkin');
  return new ZipkinExporter();
}

async function openHttp(contentType: string, serializer: Serializer): Promise<SpanExporter> {
  const options = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', {'Content-Type': contentType});
  const kind = 'otlp_http_span_exporter';
  return new OTLPExporterBase(createOtlpHttpExportDelegate(options, serializer, kind, TraceExporterMetricsHelper, undefined));
}

async function openGrpc(serializer: Serializer): Promise<SpanExporter> {
  const {convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate} = await import('@opentelemetry/otlp-grpc-exporter-base');
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  const options = convertLegacyOtlpGrpcOptions({}, 'TRACES');
  const kind = 'otlp_grpc_span_exporter';
  return new OTLPExporterBase(
    createOtlpGrpcExportDelegate(options, serializer, kind, TraceExporterMetricsHelper, undefined, 'TraceExportService', path),
  );
}

/** The SDK takes an export for a success even if the collector says that it rejected spans, and only logs that. */
function reading(serializer: Serializer, rejected: Rejected): Serializer {
  return {
    serializeRequest: spans => serializer.serializeRequest(spans),
    deserializeResponse(bytes) {
      // Some collectors always answer in JSON, even if they were sent protobuf.
      const response = bytes[0] === brace ? JSON.parse(Buffer.from(bytes).toString()) : serializer.deserializeResponse(bytes);
      const {spans, message} = partialSuccessOf(response);
      if (spans >= 1 && Number.isSafeInteger(spans)) rejected(spans, message);
      return response;
    },
  };
}

const brace = '{'.charCodeAt(0);

/**
JSON has the names of protobuf in either spelling, and whole numbers as texts.

@see opentelemetry-proto, ExportTracePartialSuccess; https://protobuf.dev/programming-guides/json
*/
function partialSuccessOf(response: unknown): {spans: number; message: string} {
  const success = recordOf(recordOf(response).partialSuccess ?? recordOf(response).partial_success);
  const message = success.errorMessage ?? success.error_message;
  return {spans: Number(success.rejectedSpans ?? success.rejected_spans), message: typeof message === 'string' ? message : ''};
}

const recordOf = (value: unknown) => (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
