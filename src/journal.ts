import type {Fact} from './facts.ts';

/** The place of a fact among all facts of a journal. Starts at 1, grows, is never reused. */
export type Position = number;

export type Durability = 'buffered' | 'process' | 'fsync' | 'replicated';

/** What the journal promises about an append: never more than it has done. */
export interface Receipt {
  readonly position: Position;
  readonly durability: Durability;
}

export interface Recorded {
  readonly stream: string;
  readonly position: Position;
  /** Wall time of the append, milliseconds since 1970. */
  readonly at: number;
  readonly fact: Fact;
}

export interface AppendOptions {
  /** Revision the stream must have: the position of its newest fact, 0 when it must not exist. */
  expect?: Position;
  /** Kept with the facts or not at all. */
  payloads?: readonly Payload[];
}

/** Bytes that belong to a fact but are kept beside it, such as a body. They are removed earlier; the fact's `dataref` is their name. */
export interface Payload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The reading side of a journal, whether this process writes it or another. */
export interface JournalReader {
  last(stream: string): Promise<Recorded | undefined>;
  read(stream: string): AsyncIterable<Recorded>;
  /** Every fact so far of the streams whose names start with `prefix`, by position, after a position. */
  scan(prefix: string, options?: {after?: Position}): AsyncIterable<Recorded>;
  /** Every fact after a position, then new ones as they come. It ends when the signal aborts or the journal is closed. */
  follow(options: {after: Position; signal: AbortSignal}): AsyncIterable<Recorded>;
  /** The bytes of a payload; undefined when it was never kept or has been removed. */
  payload(name: string): Promise<Uint8Array | undefined>;
  /** A position before every fact from this wall time on. Some older facts may come after it, too. */
  before(at: number): Promise<Position>;
}

/** The writing side of a journal. A core process that does not own the journal has this side only. */
export interface JournalWriter {
  /** @throws RevisionConflict when `expect` does not hold; then nothing was written */
  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt>;
  /**
  Appends without a receipt, which is much cheaper, as nothing waits. The facts may be lost with the process, and are
  dropped first under pressure. A later read finds them.
  */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void;
}

/** The record of everything that happened. Projections are rebuilt from it. Disposing waits until what was handed over is written. */
export interface Journal extends JournalReader, JournalWriter, AsyncDisposable {}

/** Another writer appended to the stream first. */
export class RevisionConflict extends Error {
  static {
    RevisionConflict.prototype.name = 'RevisionConflict';
  }
  readonly actual: Position;

  constructor(stream: string, expected: Position, actual: Position) {
    super(`Stream ${stream} has revision ${actual}, expected ${expected}`);
    this.actual = actual;
  }
}

/** What the journal holds is not what was written. Readers must report this and never treat it as an empty result. */
export class JournalDamaged extends Error {
  static {
    JournalDamaged.prototype.name = 'JournalDamaged';
  }
}
