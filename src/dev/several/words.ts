import type {Observation} from '../../observation.ts';
import type {ReloadOutcome} from '../reporter.ts';
import type {Wish} from '../wish.ts';

/** What `dev` says to the process of one of several functions. */
export type ToFunction =
  /** First, and once. `observes`: what happens is reported; without it the core writes its log to stdout. */
  {readonly kind: 'serve'; readonly wish: Wish; readonly observes: boolean} | {readonly kind: 'reload'};

/** What such a process says to `dev`. */
export type ToDev =
  | ({readonly kind: 'serving'} & Up)
  | {readonly kind: 'reloaded'; readonly outcome: ReloadOutcome}
  | {readonly kind: 'noted'; readonly line: string}
  | {readonly kind: 'observed'; readonly observation: Observation};

/** A core that serves, as its process reports it. */
export interface Up {
  /** Where its public port answers, on loopback. */
  readonly url: string;
  readonly adminUrl: string;
  readonly isPublic: boolean;
  /** `/srv/handler.js (handle)` */
  readonly handler: string;
  /** What runs the handler. */
  readonly runtime: string;
  /** Why the function could not be loaded. */
  readonly error?: string;
}
