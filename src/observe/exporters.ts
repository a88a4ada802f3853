import {OTLPExporterBase} from '@opentelemetry/otlp-exporter-base';
import {convertLegacyHttpOptions, createOtlpHttpExportDelegate} from '@opentelemetry/otlp-exporter-base/node-http';
import {type ISerializer, JsonTraceSerializer, TraceExporterMetricsHelper} from '@opentelemetry/otlp-transformer';
import type {ReadableSpan, SpanExporter} from '@opentelemetry/sdk-trace';
import {spanSerializer} from './otlp.ts';

/** Told how many spans of an export that went well the collector did not take, and why. */
export type Rejected = (spans: number, cause: string) => void;

type Serializer = ISerializer<ReadableSpan[], unknown>;

/**
The SDK's exporters for OTLP, but for who writes the spans and who reads the answers. Endpoint, headers, timeout,
compression and certificates are read from the environment by the SDK itself.
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

/** The SDK logs what a collector says it has rejected, and takes the export for a success. */
function reading(serializer: Serializer, rejected: Rejected): Serializer {
  return {
    serializeRequest: spans => serializer.serializeRequest(spans),
    deserializeResponse(bytes) {
      const response = serializer.deserializeResponse(bytes);
      const {rejectedSpans, errorMessage} = partialSuccessOf(response);
      const spans = Number(rejectedSpans); // in JSON it is a text
      if (spans >= 1 && Number.isSafeInteger(spans)) rejected(spans, typeof errorMessage === 'string' ? errorMessage : '');
      return response;
    },
  };
}

/** @see opentelemetry-proto, ExportTracePartialSuccess */
function partialSuccessOf(response: unknown): {rejectedSpans?: unknown; errorMessage?: unknown} {
  const {partialSuccess} = (response ?? {}) as {partialSuccess?: {rejectedSpans?: unknown; errorMessage?: unknown} | null};
  return partialSuccess ?? {};
}
