import type {Payload, Position, Recorded} from '../../journal.ts';
import type {Retention} from '../engine.ts';

/*
What the core's thread and the writer's say to one another. A turn of the event loop is one batch, however many facts
it has.
*/

/** Facts of one stream that somebody waits for, or that are listed by their stream. */
export interface Append {
  readonly stream: string;
  /** The facts as lines of JSON. */
  readonly text: string;
  readonly count: number;
  readonly expect?: Position | undefined;
  /** Something is to be done once this is kept: it is better refused than begun without room for its end. */
  readonly begins?: boolean | undefined;
  readonly payloads?: readonly Payload[] | undefined;
}

/** Facts of many streams that nobody waits for; they are listed nowhere and found by their time. */
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

/** What became of a command. */
export type Outcome = {readonly position: Position} | {readonly conflict: Position} | {readonly refused: string};

export interface Query {
  /** Facts of one stream, of the streams whose names begin so, or of all. */
  readonly of: {readonly stream: string} | {readonly prefix: string};
  readonly after: Position;
  /** Up to here; undefined: what there is now. */
  readonly until?: Position | undefined;
}

export interface Page {
  readonly facts: readonly Recorded[];
  /** Where the next page starts; undefined when this was the last. */
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
  | Batch
  | {readonly type: 'question'; readonly id: number; readonly question: Question}
  /** `upMs`: how long the journal has been open, by a clock that nobody sets. */
  | {readonly type: 'sweep'; readonly now: number; readonly upMs: number}
  /** Look whether the files are still there and can be written. */
  | {readonly type: 'look'; readonly now: number}
  | {readonly type: 'close'};

export type FromWriter =
  | {readonly type: 'opened'}
  | {readonly type: 'refused'; readonly reason: 'held' | 'damaged' | 'unwritable'; readonly message: string}
  /** In the order of the batches: their outcomes, or why they may be lost. */
  | {
      readonly type: 'committed';
      readonly batches: readonly {readonly id: number; readonly outcomes: readonly Outcome[]; readonly failure?: string}[];
    }
  | {readonly type: 'replied'; readonly id: number; readonly reply: Reply}
  | {readonly type: 'unanswered'; readonly id: number; readonly message: string; readonly damaged: boolean}
  /** Something that people should know. */
  | {readonly type: 'told'; readonly level: 'warn' | 'error'; readonly message: string; readonly cause: string}
  /** It looked. */
  | {readonly type: 'looked'}
  /** Whether facts are kept from now on. */
  | {readonly type: 'state'; readonly isDurable: boolean}
  /** Removed, as their time or their room was over; `early` of them before their time. */
  | {readonly type: 'shredded'; readonly payloads: number; readonly early: number; readonly until: number}
  /** Not kept, for want of room. */
  | {readonly type: 'shed'; readonly facts: number; readonly payloads: number}
  | {readonly type: 'closed'};

export interface WriterData {
  readonly path: string;
  readonly retention: Retention;
}
