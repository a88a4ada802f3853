import type {Payload, Position, Recorded} from '../../journal.ts';
import type {Census, Claimed, WorkQuery, WorkState, WorkStatus} from '../../work.ts';
import type {Retention} from '../engine.ts';
import type {WorkChange} from './work-change.ts';

/*
The messages between the core's thread and the writer's. All facts of one turn of the event loop are one batch.
*/

/** One of several streams that are appended to at once. */
export interface Part {
  readonly stream: string;
  /** Number of its newest fact among those of the command, from 1. */
  readonly last: number;
  readonly expect?: Position | undefined;
}

/** Facts that a caller waits for, or that are listed by their stream. */
export interface Append {
  readonly stream: string;
  /** The facts as lines of JSON. */
  readonly text: string;
  readonly count: number;
  readonly expect?: Position | undefined;
  /** Absent: all facts are of the one stream. Otherwise everything is kept or nothing; `expect` stands here. */
  readonly parts?: readonly Part[] | undefined;
  /** True: work starts once this is kept. It is refused when there may be no room for the end of that work. */
  readonly begins?: boolean | undefined;
  readonly payloads?: readonly Payload[] | undefined;
  /** What is done to work in the same commit. A claim and a drop append nothing else. */
  readonly work?: WorkChange | undefined;
}

/** Facts of many streams that nobody waits for. They are not listed; readers find them by their time. */
export interface Loose {
  readonly stream: undefined;
  /** The facts, as `LooseFacts` gathers them. */
  readonly lines: Uint8Array;
  readonly count: number;
  readonly payloads?: readonly Payload[] | undefined;
}

export type Command = Append | Loose;

/** Appends to several streams. They begin work all or none, so that all are refused or none. */
export interface Bundle {
  readonly streams: readonly string[];
  /** The number of the newest fact of each among those of the command, from 1. */
  readonly lasts: readonly number[];
  readonly text: string;
  readonly begins: boolean;
  /** Of payloads. */
  readonly names: readonly string[];
  /** Where each payload ends. */
  readonly ends: readonly number[];
  readonly bytes: Uint8Array;
}

/** Many appends. The writer makes one of them. */
export interface Bundled {
  readonly bundle: Bundle;
}

/** Length of its facts, roughly in bytes. */
export const lengthOf = (command: Command): number => (command.stream === undefined ? command.lines.length : command.text.length);

export interface Batch {
  readonly type: 'batch';
  readonly id: number;
  /** Wall time. */
  readonly now: number;
  readonly commands: readonly (Command | Bundled)[];
}

/** The result of a command. */
export type Outcome =
  | {readonly position: Position; readonly claimed?: readonly Claimed[]; readonly was?: WorkStatus}
  | {readonly conflict: Position; readonly stream: string}
  | {readonly refused: string}
  /** The idempotency key was used before. */
  | {readonly known: {readonly id: string; readonly fingerprint: string}}
  /** As many items wait or run as may. */
  | {readonly full: true}
  /** The claim is not the newest one of its item. */
  | {readonly outdated: true}
  /** The item is none that this can be done to. */
  | {readonly was: WorkStatus | undefined};

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

export type Question =
  | {readonly page: Query}
  | {readonly last: string}
  /** Of streams of which no fact was only recorded. */
  | {readonly lasts: readonly string[]}
  | {readonly payload: string}
  | {readonly before: number}
  | {readonly item: string}
  | {readonly items: WorkQuery}
  | {readonly census: number}
  | {readonly due: 'next'};
export type ReplyTo<Q extends Question> = Q extends {page: Query}
  ? Page
  : Q extends {item: string}
    ? WorkState | undefined
    : Q extends {items: WorkQuery}
      ? WorkState[]
      : Q extends {due: 'next'}
        ? number | undefined
        : Q extends {census: number}
          ? Census
          : Q extends {before: number}
            ? Position
            : Q extends {last: string}
              ? Recorded | undefined
              : Q extends {lasts: readonly string[]}
                ? (Recorded | undefined)[]
                : Uint8Array | undefined;
export type Reply = WorkState | WorkState[] | (Recorded | undefined)[] | Census | Page | Recorded | Uint8Array | Position | undefined;

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
