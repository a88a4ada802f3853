import type {Invocation} from './invocation.ts';

/** All that a stage may read from what carries an event: a field of its head, and the state of its invocation. */
export interface StageContext {
  /** The value of the field, whose name may be in any case; '' when it is absent. */
  get(field: string): string;
  state: Invocation;
}

export type Stage = (ctx: StageContext, next: () => Promise<void>) => Promise<void>;
