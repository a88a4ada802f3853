import type {Payload, Position} from '../../journal.ts';

/** One of the streams of a command. */
export interface Part {
  readonly name: string;
  readonly expect?: Position | undefined;
}

export interface WrittenFact {
  /** Its place among the streams of its command. */
  readonly part: number;
  /** Wall time. */
  readonly at: number;
  readonly flags: number;
  /** JSON. */
  readonly body: string;
}

/** Facts, payloads and a change of work that are kept as a whole or refused as a whole. */
export interface Command {
  readonly parts: readonly Part[];
  readonly facts: readonly WrittenFact[];
  readonly payloads: readonly Payload[];
  /** What `work` of the database is told. */
  readonly work?: object | undefined;
  /** Roughly in bytes. */
  readonly size: number;
  /** Absent when nobody waits. */
  readonly waiter?: Waiter | undefined;
}

export interface Waiter {
  resolve(outcome: Outcome): void;
  reject(error: Error): void;
}

/** What became of a command. */
export type Outcome =
  | {readonly position: Position; readonly isReplicated: boolean; readonly said?: Said | undefined}
  | {readonly conflict: Position; readonly stream: string}
  | {readonly refused: Said};

/** What `work` of the database says. */
export interface Said {
  readonly known?: {readonly id: string; readonly fingerprint: string};
  readonly full?: true;
  readonly outdated?: true;
  /** The status before. */
  readonly was?: number;
}

export const flags = {ends: 1, recorded: 2} as const;
