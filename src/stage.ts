import type {Invocation} from './invocation.ts';

/** All that a stage may read from what carries an event: a field of its head, and the state of its invocation. */
export interface StageContext {
  /** The value of the field, whose name may be in any case; '' when it is absent. */
  get(field: string): string;
  state: Invocation;
}

/** A stage may throw or reject: the chain turns a throw into a rejection. One that waits for nothing is not async, as the promise costs as much as its work. */
export type Stage = (ctx: StageContext, next: () => Promise<void>) => Promise<void>;
