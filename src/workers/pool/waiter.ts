import type {Fault} from '../../errors.ts';
import type {Lease} from '../../runtime.ts';

/** A caller in the queue. */
export interface Waiter {
  readonly since: number;
  /** It waits for a sub-runtime to start, not for a place. */
  readonly cold: boolean;
  /** How many waited when it came, itself included. */
  readonly depth: number;
  readonly admit: (lease: Lease) => void;
  readonly refuse: (fault: Fault) => void;
  stopTimer: () => void;
}
