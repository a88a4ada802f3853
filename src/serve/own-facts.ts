import type {Fact} from '../facts.ts';
import type {JournalWriter, Payload} from '../journal.ts';
import type {NamedHealth} from '../journals/open.ts';

interface OpenedWriter {
  readonly journal: JournalWriter & AsyncDisposable;
  readonly isDurable: boolean;
  /** As CORE_JOURNAL would name it; a sibling does not know. */
  readonly location?: string;
  /** How the servers are that keep it; absent in a sibling of a core whose journal has none. */
  health?(): NamedHealth | undefined;
}

/**
The facts of this process about itself, in a stream of their own. The sub-runtime is started before the journal is open, as
it takes longest. Facts about it that come before then wait here.
*/
export class OwnFacts implements AsyncDisposable {
  readonly #stream: string;
  readonly #early: Fact[] = [];
  #opened: OpenedWriter | undefined;

  /** @param instance this boot of this process */
  constructor(instance: string) {
    this.#stream = `runtime.${instance}`;
  }

  /** True when the facts outlive the process. */
  get isDurable(): boolean {
    return this.#opened?.isDurable ?? false;
  }

  /** How the servers of the journal are; undefined where it has none. */
  get servers(): NamedHealth | undefined {
    return this.#opened?.health?.();
  }

  /** Where they are, as CORE_JOURNAL would name it. */
  get location(): string | undefined {
    return this.#opened?.location;
  }

  /** Records the first fact, and those that came before the journal was open. The journal is closed with this. */
  open(opened: OpenedWriter, first: Fact): void {
    this.#opened = opened;
    opened.journal.record(this.#stream, [first, ...this.#early.splice(0)]);
  }

  record(facts: readonly [Fact, ...Fact[]]): void {
    if (this.#opened) this.#opened.journal.record(this.#stream, facts);
    else this.#early.push(...facts);
  }

  /** Records facts of another stream. They are lost while the journal is not open; nothing that has them happens before. */
  recordIn(stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[]): void {
    this.#opened?.journal.record(stream, facts, payloads);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.journal[Symbol.asyncDispose]();
  }
}
