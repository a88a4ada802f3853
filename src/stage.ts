import type {Invocation} from './invocation.ts';

/** All that a stage may read from what carries an event: a field of its head, and the state of its invocation. */
export interface StageContext {
  /** The value of the field, whose name may be in any case; '' when it is absent. */
  get(field: string): string;
  state: Invocation;
}

/** It rejects, or throws: the chain makes one of both. A stage that waits for nothing is no async function, as each costs a call as much as what most of them do. */
export type Stage = (ctx: StageContext, next: () => Promise<void>) => Promise<void>;
