import type {Spans} from '../observe/traces/spans.ts';
import type {StartRecord} from '../runtime.ts';

/** The starts of the sub-runtime. The first may be over before spans can be recorded, so its span waits until then. */
export class EarlyStarts {
  readonly #first = Promise.withResolvers<StartRecord>();
  readonly #spans = Promise.withResolvers<Spans>();

  /** The first start, once it has succeeded or failed. */
  get first(): Promise<StartRecord> {
    return this.#first.promise;
  }

  /** @param isCarried an invocation that waited for the start has it in its own trace */
  over(record: StartRecord, isCarried: boolean): void {
    this.#first.resolve(record);
    if (!isCarried) void this.#spans.promise.then(spans => spans.spawned(record));
  }

  record(spans: Spans): void {
    this.#spans.resolve(spans);
  }
}
