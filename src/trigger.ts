import type {Clock} from './clock.ts';
import type {Carrier, Delivery} from './delivery.ts';
import type {Journal} from './journal.ts';
import type {Budget} from './limits/budget.ts';
import type {Log} from './log.ts';
import type {Meter} from './meter.ts';
import type {Parsed, Settings} from './settings/setting.ts';

/** What the composition root lends to a trigger. */
export interface House {
  /** Walks the six stages. Never rejects: the delivery's `reply` gets every outcome. */
  deliver(delivery: Delivery, carrier?: Carrier): Promise<void>;
  /** Answers with the metrics, behind the same authentication as the function. */
  scrape(delivery: Delivery, carrier: Carrier): Promise<void>;
  /** Aborts when the grace time of a stop is over: what is still in flight is cut off. */
  readonly hurry: AbortSignal;
  /** Other processes of this core listen on the same port. */
  readonly isShared: boolean;
  /** Of those this one closes the port last: what waits for the others may still come to it. */
  readonly closesLast: boolean;
  /** Bytes that a trigger holds for others are charged to it. */
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** What it also lends to a trigger that claims work in the journal. Only the process that owns the journal opens these. */
export interface ClaimingHouse extends House {
  /** Where work is claimed, so that only one of several cores does it. */
  readonly journal: Journal;
  /** This boot of this core, as its claims name it. */
  readonly core: string;
  /** How long a claim by another core counts as being worked on; 0 while no other core can write the journal. */
  readonly leaseMs: number;
}

export interface OpenTrigger extends AsyncDisposable {
  /** Where it can be reached, when it can. */
  readonly url?: string;
  /** What it fires by time, when it does. */
  readonly schedules?: Schedules;
}

/** Schedules as the private listener shows and fires them. */
export interface Schedules {
  list(): readonly ScheduleView[];
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
  /** The occurrences to come, ISO 8601 in UTC, without their jitter. */
  readonly next: readonly string[];
}

/** What became of a wish to fire: it ran, well or with a fault, or it did not and `refused` says why. */
export type FireOutcome =
  | {readonly refused: string; readonly why: 'unknown' | 'invalid' | 'conflict'}
  | {
      readonly schedule: string;
      readonly occurrence: string;
      readonly invocationId: string;
      readonly status: number;
      readonly error?: string;
      /** It did not reach the function, and is delivered again. */
      readonly waits?: true;
    };

export interface TriggerPlugin<S extends Settings, H extends House = ClaimingHouse> {
  readonly settings: S;
  /** Starts deliveries. Disposing stops new ones at once and waits for those in flight. */
  open(section: Parsed<S>, house: H): Promise<OpenTrigger>;
}
