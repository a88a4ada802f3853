import type {OpenTrigger} from '../../src/trigger.ts';

/** The schedules of a core, as the private listener shows and fires them. */
export interface Schedules extends OpenTrigger {
  list(): Promise<readonly ScheduleView[]>;
  /** Lets one fire only by hand, or by time again. It outlives the core. @returns undefined when there is none of the name */
  pause(name: string, isPaused: boolean): Promise<{readonly name: string; readonly paused: boolean} | undefined>;
  /**
  Fires one now, and resolves when the function has answered.

  @param at the occurrence that the event carries, not in the future; by default now
  */
  fire(name: string, at?: number): Promise<FireOutcome>;
}

export interface ScheduleView {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly catchUp: string;
  readonly overlap: string;
  /** `none`, or how much later than its time an occurrence is delivered at most. */
  readonly jitter: string;
  /** `call`, or `work` when occurrences are handed on to work. */
  readonly delivery: string;
  /** The occurrences to come, ISO 8601 in UTC, without their jitter. */
  readonly next: readonly string[];
  /** It fires only by hand, since a wall time, ISO 8601. Absent where no core is asked. */
  readonly paused?: boolean;
  readonly pausedAt?: string;
  /** The newest occurrence that work was given. Absent where no core is asked. */
  readonly handedOn?: HandedOn;
}

export interface HandedOn {
  /** ISO 8601. */
  readonly occurrence: string;
  readonly invocationId: string;
  /** `waiting`, `running`, `retrying`, or how the invocation ended. */
  readonly status: string;
}

/** What came of firing by hand: it ran, with or without a fault, or it did not run and `refused` says why. */
export type FireOutcome =
  | {readonly refused: string; readonly why: 'unknown' | 'invalid' | 'conflict'}
  | {
      readonly schedule: string;
      readonly occurrence: string;
      readonly invocationId: string;
      readonly status: number;
      /** Why it failed: the code of the fault, and its message. */
      readonly code?: string;
      readonly error?: string;
      /** It did not reach the function, and is delivered again. */
      readonly waits?: true;
      /** Work has it, and tries it when there is room. */
      readonly handedOn?: true;
    };

/** @param known the names of all schedules */
export function unknownSchedule(name: string, known: readonly string[]): Extract<FireOutcome, {refused: string}> {
  const others = known.length > 0 ? `there is ${known.join(', ')}` : 'this core has no schedules';
  return {why: 'unknown', refused: `there is no schedule \`${name}\`; ${others}`};
}
