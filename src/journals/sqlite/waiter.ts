import type {Outcome} from './messages.ts';

/** A caller that waits for a receipt. */
export interface Waiter {
  readonly resolve: (outcome: Taken) => void;
  readonly reject: (error: Error) => void;
}

/** The outcome of a command that was not refused for lack of room. */
export type Taken = Exclude<Outcome, {readonly refused: string}>;
