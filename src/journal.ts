import type {Fact} from './facts.ts';

/** The place of a fact among all facts of a journal. Starts at 1 or later, grows, is never reused. There may be gaps. */
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
  /** When the engine kept it, by the engine's own clock. Absent where that is the clock of the core. */
  readonly storedAt?: number;
  readonly fact: Fact;
}

export interface AppendOptions {
  /** Revision the stream must have: the position of its newest fact, 0 when it must not exist. */
  expect?: Position;
  /** Kept with the facts or not at all. */
  payloads?: readonly Payload[];
  /** True: nobody waits for the receipt, so an engine may keep it a few milliseconds later, with others. A question about its stream finds it. */
  lingers?: boolean | undefined;
}

/** What is appended to one of several streams at once. */
export interface StreamAppend extends AppendOptions {
  readonly stream: string;
  readonly facts: readonly [Fact, ...Fact[]];
}

/** Most facts of one `appendAll`. */
export const mostAtOnce = 64;

export interface LastOptions {
  /** True: as of now, whichever core wrote last. Without it at least as new as what this core was told is kept; the engine may answer sooner. */
  readonly now?: boolean | undefined;
  /** True: every fact of the stream was appended. An engine that has recorded facts elsewhere need not search there. */
  readonly isAppended?: boolean | undefined;
}

export interface FollowOptions {
  readonly after: Position;
  readonly signal: AbortSignal;
  /** Only facts of the streams whose names start with it. */
  readonly prefix?: string | undefined;
}

/** Bytes that belong to a fact but are kept beside it, such as a body. They are removed earlier; the fact's `dataref` is their name. */
export interface Payload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The reading side of a journal, whether this process writes it or another. */
export interface JournalReader {
  last(stream: string, options?: LastOptions): Promise<Recorded | undefined>;
  read(stream: string): AsyncIterable<Recorded>;
  /** Every fact so far of the streams whose names start with `prefix`, by position, after a position. */
  scan(prefix: string, options?: {after?: Position}): AsyncIterable<Recorded>;
  /** Every fact after a position, then new ones as they come. It ends when the signal aborts or the journal is closed. */
  follow(options: FollowOptions): AsyncIterable<Recorded>;
  /** The bytes of a payload; undefined when it was never kept or has been removed. */
  payload(name: string): Promise<Uint8Array | undefined>;
  /** A position before every fact from this wall time on. Some older facts may come after it, too. */
  before(at: number): Promise<Position>;
}

/** The cores that write a journal. An engine that several share keeps a lease of each, by its own clock. */
export interface Cores {
  /** How long a core that gives no sign of life counts as living; 0 where only one core at a time can write a journal. */
  readonly leaseMs: number;
  /** @param core as claims name it @returns whether what it has claimed may still be worked on */
  isAlive(core: string): Promise<boolean>;
}

/** Where only one core at a time can write a journal, every other one has ended. */
export const soleCore: Cores = {leaseMs: 0, isAlive: async () => false};

/** The writing side of a journal. A core process that does not own the journal has this side only. */
export interface JournalWriter {
  /**
  What one core appends to one stream is kept in the order of the calls, awaited or not.

  @throws RevisionConflict when `expect` does not hold; then nothing was written
  @throws Fault JOURNAL_BUSY: nothing was written; JOURNAL_FAILED: it may have been kept all the same
  */
  append(stream: string, facts: readonly [Fact, ...Fact[]], options?: AppendOptions): Promise<Receipt>;
  /**
  Appends without a receipt, which is much cheaper, as nothing waits. The facts may be lost with the process, and are
  dropped first under pressure. A later read finds them.
  */
  record(stream: string, facts: readonly [Fact, ...Fact[]], payloads?: readonly Payload[]): void;
}

/** The record of everything that happened. Projections are rebuilt from it. Disposing waits until what was handed over is written. */
export interface Journal extends JournalReader, JournalWriter, AsyncDisposable {
  /**
  Appends to several streams, each named once: everything is kept, or nothing.

  @returns one receipt, with the position of the last fact
  @throws RevisionConflict that names the first stream whose `expect` does not hold, and whatever `append` throws
  @throws RangeError for more than `mostAtOnce` facts, TypeError for a stream that is named twice
  */
  appendAll(appends: readonly [StreamAppend, ...StreamAppend[]]): Promise<Receipt>;
}

/** Another writer appended to the stream first. */
export class RevisionConflict extends Error {
  static {
    RevisionConflict.prototype.name = 'RevisionConflict';
  }
  readonly stream: string;
  readonly actual: Position;

  constructor(stream: string, expected: Position, actual: Position) {
    super(`Stream ${stream} has revision ${actual}, expected ${expected}`);
    this.stream = stream;
    this.actual = actual;
  }
}

/** What the journal holds is not what was written. Readers must report this and never treat it as an empty result. */
export class JournalDamaged extends Error {
  static {
    JournalDamaged.prototype.name = 'JournalDamaged';
  }
}
