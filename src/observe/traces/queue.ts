import {context, TraceFlags} from '@opentelemetry/api';
import {type ExportResult, ExportResultCode, suppressTracing} from '@opentelemetry/core';
import type {ReadableSpan, SpanExporter, SpanProcessor} from '@opentelemetry/sdk-trace';
import type {Clock} from '../../clock.ts';
import type {Loss, LostSpans} from './lost.ts';

/** As the specification of the batching processor names them; times in milliseconds. */
export interface QueueSizes {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

export interface SpanQueueOptions {
  /** What the log calls the exporter. */
  readonly name: string;
  readonly exporter: SpanExporter;
  readonly sizes: QueueSizes;
  readonly lost: LostSpans;
  readonly clock: Clock;
}

/** Batches that leave at a time at a stop. The exporters for OTLP refuse more than 30. */
const mostAtOnce = 24;
/** Exports that were given up and may still hold their spans. With more, nothing is sent until one of them ends. */
const mostGivenUp = 8;

/**
Holds ended spans and hands them to an exporter in batches, one at a time until the stop. Every span that was taken in
either reaches the exporter's collector or is counted as lost. (The SDK's own queue gives the rest up at its first
failure.)

@see OpenTelemetry specification, Trace SDK, batching processor
*/
export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions;
  #spans: ReadableSpan[] = [];
  /** Spans in the exporter's hands. */
  #leaving = 0;
  readonly #exports = new Set<Promise<void>>();
  #givenUp = 0;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#isClosed) this.#lose('stopped', 1);
    else if (this.#spans.length >= this.#options.sizes.maxQueueSize) this.#lose('queue_full', 1);
    else {
      this.#spans.push(span);
      if (this.#exports.size === 0) this.#sendSoon();
    }
  }

  /** Sends all that is held, many batches at a time. Resolves when the exporter has answered for each; never rejects. */
  async forceFlush(): Promise<void> {
    while (this.#spans.length > 0 || this.#exports.size > 0) {
      while (this.#spans.length > 0 && this.#exports.size < mostAtOnce) this.#sendBatch();
      await Promise.race(this.#exports);
    }
  }

  /** Flushes, then closes the exporter. Never rejects. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
    this.#close();
    await this.#options.exporter.shutdown().catch(() => {}); // it has answered for all spans that it held
  }

  /** Ends the wait of the stop: spans for which the exporter has not answered count as lost. */
  abandon(): void {
    this.#close();
    const left = this.#spans.length + this.#leaving;
    this.#spans = [];
    this.#leaving = 0;
    if (left > 0) this.#lose('stopped', left);
  }

  #close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  #sendSoon(): void {
    if (this.#isClosed || this.#spans.length === 0) return;
    const {maxExportBatchSize, scheduledDelayMillis} = this.#options.sizes;
    if (this.#spans.length >= maxExportBatchSize) this.#sendNow();
    else this.#stopTimer ??= this.#options.clock.after(scheduledDelayMillis, () => this.#sendNow());
  }

  #sendNow(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#spans.length > 0 && this.#exports.size === 0 && this.#givenUp < mostGivenUp) this.#sendBatch();
  }

  #sendBatch(): void {
    const {maxExportBatchSize} = this.#options.sizes;
    const batch = this.#spans.splice(0, maxExportBatchSize);
    this.#leaving += batch.length;
    const sent = this.#export(batch).then(failure => {
      this.#exports.delete(sent);
      if (this.#leaving === 0) return; // the queue was abandoned, and the batch is counted
      this.#leaving -= batch.length;
      if (failure) this.#lose('not_taken', batch.length, failure.message);
      this.#sendSoon();
    });
    this.#exports.add(sent);
  }

  /** @returns why the exporter did not take them; it never rejects */
  async #export(batch: ReadableSpan[]): Promise<Error | undefined> {
    const {exporter, sizes, clock} = this.#options;
    await settleResources(batch);
    const {promise, resolve} = Promise.withResolvers<Error | undefined>();
    let isGivenUp = false;
    const stopTimer = clock.after(sizes.exportTimeoutMillis, () => {
      isGivenUp = true;
      this.#givenUp++;
      resolve(new Error(`no answer within ${sizes.exportTimeoutMillis} ms`));
    });
    const answered = ({code, error}: ExportResult) => {
      if (isGivenUp) {
        isGivenUp = false;
        this.#givenUp--;
        this.#sendSoon();
      }
      stopTimer();
      resolve(code === ExportResultCode.SUCCESS ? undefined : (error ?? new Error('the exporter gave no reason')));
    };
    try {
      withoutSpans(() => exporter.export(batch, answered));
    } catch (error) {
      answered({code: ExportResultCode.FAILED, error: error as Error}); // any error is reported
    }
    return promise;
  }

  #lose(reason: Loss, spans: number, cause?: string): void {
    this.#options.lost(reason, spans, this.#options.name, cause);
  }
}

/** Calls something for whose requests to other machines the SDK makes no spans. */
export function withoutSpans<T>(act: () => T): T {
  return context.with(suppressTracing(context.active()), act);
}

/** Waits for resources that still wait for a description of the machine. Nearly always all spans of a batch have the same one. */
async function settleResources(batch: readonly ReadableSpan[]): Promise<void> {
  let settled: ReadableSpan['resource'] | undefined;
  for (const {resource} of batch) {
    if (resource === settled) continue;
    settled = resource;
    if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.().catch(() => {}); // then the attributes are missing
  }
}
