import type {Invocation} from './invocation.ts';

/** All that a stage may ask of what carries an event: a field of its head, and the state of its invocation. */
export interface StageContext {
  /** The field's value, whatever the case of its name; '' when absent. */
  get(field: string): string;
  state: Invocation;
}

export type Stage = (ctx: StageContext, next: () => Promise<void>) => Promise<void>;
