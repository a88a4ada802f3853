import type {Clock} from './clock.ts';
import type {RequestInput} from './delivery.ts';
import type {Hop} from './hop/hop.ts';
import type {Written} from './runtime.ts';

/** How the core speaks to a sub-runtime, and what it makes of a delivery for it. Its name is its key in `protocols/index.ts`. */
export interface Protocol {
  /** `whole`: a body is received before the function is called. `open`: it passes through as it comes. */
  readonly body: 'whole' | 'open';
  /** Calls at a time in one sub-runtime when CORE_CONCURRENCY says nothing; absent: what its command says. */
  readonly concurrency?: number;
  /** What the process is told of where it has to listen, beside the variables of the contract. @param own what it has of the user's environment */
  environment(at: Address, own: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** Makes what a call sends. Absent: the platform's event. */
  readonly write?: WriteCall;
  /** Opens the way to a process at its port. Absent: the channel that it inherits, or a POST with the event for each call. */
  openHop?(options: PortOptions, clock: Clock): Hop;
}

/** Where a sub-runtime has to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface PortOptions extends Address {
  /** Calls at a time, each on a connection of its own. */
  readonly connections: number;
  /** Largest reply that is gathered. */
  readonly maxReplyBytes: number;
  readonly bridgeToken: string;
}

/** Makes what a call sends. @throws Fault INFLIGHT_FULL */
export type WriteCall = (input: RequestInput, facts: CallFacts) => Written;

export interface CallFacts {
  readonly id: string;
  readonly deadlineMs: number;
  /** Lower-case field that carried the caller's token; the function never sees it. */
  readonly credential: string | undefined;
}
