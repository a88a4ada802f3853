import type {Payload, Position, Recorded} from '../../journal.ts';
import type {Retention} from '../engine.ts';

/*
The messages between the core's thread and the writer's. All facts of one turn of the event loop are one batch.
*/

/** Facts of one stream that a caller waits for, or that are listed by their stream. */
export interface Append {
  readonly stream: string;
  /** The facts as lines of JSON. */
  readonly text: string;
  readonly count: number;
  readonly expect?: Position | undefined;
  /** True: work starts once this is kept. It is refused when there may be no room for the end of that work. */
  readonly begins?: boolean | undefined;
  readonly payloads?: readonly Payload[] | undefined;
}

/** Facts of many streams that nobody waits for. They are not listed; readers find them by their time. */
export interface Loose {
  readonly stream: undefined;
  readonly text: string;
  readonly count: number;
  readonly payloads?: readonly Payload[] | undefined;
}

export type Command = Append | Loose;

export interface Batch {
  readonly type: 'batch';
  readonly id: number;
  /** Wall time. */
  readonly now: number;
  readonly commands: readonly Command[];
}

/** The result of a command. */
export type Outcome = {readonly position: Position} | {readonly conflict: Position} | {readonly refused: string};

export interface Query {
  /** One stream, or all streams whose names start with the prefix. */
  readonly of: {readonly stream: string} | {readonly prefix: string};
  readonly after: Position;
  /** The last position; undefined for the newest one. */
  readonly until?: Position | undefined;
}

export interface Page {
  readonly facts: readonly Recorded[];
  /** Where the next page starts; undefined after the last page. */
  readonly next: Position | undefined;
  readonly until: Position;
}

export type Question = {readonly page: Query} | {readonly last: string} | {readonly payload: string} | {readonly before: number};
export type ReplyTo<Q extends Question> = Q extends {page: Query}
  ? Page
  : Q extends {before: number}
    ? Position
    : Q extends {last: string}
      ? Recorded | undefined
      : Uint8Array | undefined;
export type Reply = Page | Recorded | Uint8Array | Position | undefined;

export type ToWriter =
  | Opening
  | Batch
  | {readonly type: 'question'; readonly id: number; readonly question: Question}
  /** `upMs`: how long the journal has been open, by the monotonic clock. */
  | {readonly type: 'sweep'; readonly now: number; readonly upMs: number}
  /** Check that the files are still there and can be written. */
  | {readonly type: 'look'; readonly now: number}
  | {readonly type: 'close'};

export type FromWriter =
  | {readonly type: 'opened'}
  | {readonly type: 'refused'; readonly reason: 'held' | 'damaged' | 'unwritable'; readonly message: string}
  /** The outcomes of each batch, in order, or why its facts may be lost. */
  | {
      readonly type: 'committed';
      readonly batches: readonly {readonly id: number; readonly outcomes: readonly Outcome[]; readonly failure?: string}[];
    }
  | {readonly type: 'replied'; readonly id: number; readonly reply: Reply}
  | {readonly type: 'unanswered'; readonly id: number; readonly message: string; readonly damaged: boolean}
  /** A line for the log. */
  | {readonly type: 'logged'; readonly level: 'warn' | 'error'; readonly message: string; readonly cause: string}
  /** The answer to `look`. */
  | {readonly type: 'looked'}
  /** Whether facts are kept durably from now on. */
  | {readonly type: 'state'; readonly isDurable: boolean}
  /** Payloads that were removed for their age or for room; `early` of them before their time. */
  | {readonly type: 'shredded'; readonly payloads: number; readonly early: number; readonly until: number}
  /** Facts and payloads that were not kept, for lack of room. */
  | {readonly type: 'shed'; readonly facts: number; readonly payloads: number}
  | {readonly type: 'closed'};

/** The first message. */
export interface Opening {
  readonly type: 'open';
  readonly path: string;
  readonly retention: Retention;
}
