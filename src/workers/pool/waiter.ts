import type {CallerSignal} from '../../caller-signal.ts';
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
  /** Called once, when it waits no longer. */
  stop: () => void;
}

/** Calls `leave` when the caller leaves. @returns stops that, and the timer: the signal may outlive the call by far */
export function whenLeft(signal: CallerSignal | undefined, stopTimer: () => void, leave: () => void): () => void {
  signal?.addEventListener('abort', leave, {once: true});
  return () => {
    stopTimer();
    signal?.removeEventListener('abort', leave);
  };
}
