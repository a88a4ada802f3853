import type {Wish} from '../wish.ts';

/** Several functions that are to be served side by side. */
export interface Plan {
  readonly functions: readonly PlannedFunction[];
  /** What a person should know about what was given, in sentences. */
  readonly notes: readonly string[];
  /** The only function answers at `/`, too. */
  readonly isAlone: boolean;
}

export interface PlannedFunction {
  /** Unlike those of the others, also when case does not count. */
  readonly name: string;
  /** Absolute; places in its files are shown. */
  readonly folder: string;
  /** Differs when it is to be served in another way. */
  readonly signature: string;
  /** Looks for it on the disk, as it is now. @returns a sentence when it cannot be served */
  find(): Wish | {readonly problem: string};
}
