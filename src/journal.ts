import type {Fact} from './facts.ts';

/** Where a fact stands among all facts of a journal. Starts at 1, grows, is never reused. */
export type Position = number;

export type Durability = 'buffered' | 'process' | 'fsync' | 'replicated';

/** What was promised about an append, never more. */
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
  durability?: Durability;
  /** Kept with the facts or not at all. */
  payloads?: readonly Payload[];
}

/** Bytes that belong to a fact and do not stand in it: a body. Its life is shorter, and the fact's `dataref` is its name. */
export interface Payload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Reading a journal, one's own or somebody else's. */
export interface JournalReader {
  last(stream: string): Promise<Recorded | undefined>;
  read(stream: string): AsyncIterable<Recorded>;
  /** Every fact of the streams whose names begin so, as of now, in the order of their positions, after a position. */
  scan(prefix: string, options?: {after?: Position}): AsyncIterable<Recorded>;
  /** Every fact after a position, then new ones as they come, until the signal aborts. */
  follow(options: {after: Position; signal: AbortSignal}): AsyncIterable<Recorded>;
  /** The bytes of a payload; undefined when there are none, or none any more. */
  payload(name: string): Promise<Uint8Array | undefined>;
  /** A position such that every fact from this wall time on comes after it; some older ones may, too. */
  before(at: number): Promise<Position>;
}

/** The one truth about what happened. Projections are rebuilt from it. */
export interface Journal extends JournalReader, AsyncDisposable {
  /** @throws RevisionConflict when `expect` does not hold; then nothing was written */
  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt>;
  /**
  Appends without a receipt: what is `buffered` may be lost with the process, and is dropped first under pressure.
  Much cheaper than `append`, as nothing waits. Whoever reads afterwards finds it.
  */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void;
}

/** Somebody else appended to the stream first. */
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

/** What is kept is not what was written: it is said, and never read as if nothing had been there. */
export class JournalDamaged extends Error {
  static {
    JournalDamaged.prototype.name = 'JournalDamaged';
  }
}
