import type {Offered} from './callers.ts';
import type {Gateway} from './gateway.ts';

/** What is done to a gateway while others call its function, and what must hold. */
export interface Phase {
  /** A word of the command line. */
  readonly name: string;
  /** What is done, for people. */
  readonly title: string;
  /** What everybody else asks for meanwhile. */
  readonly others: Offered;
  readonly bounds: Bounds;
  /** It needs settings, metrics or processes that only our core has: left out for another gateway. */
  readonly isOurs?: true;
  readonly env?: Readonly<Record<string, string>>;
  /** Most descriptors that the gateway may have open; by default the system's limit. */
  readonly descriptors?: number;
  /** Why it cannot be run here; undefined when it can. */
  unable?(): string | undefined;
  /** Makes what the gateway needs, which goes with the stack. @returns what its environment has beside `env` */
  prepare?(stack: AsyncDisposableStack): Promise<Readonly<Record<string, string>>>;
  /** Goes on until `over` aborts, and leaves nothing open. */
  attack(gateway: Gateway, over: AbortSignal): Promise<void>;
  /** Looks at what only this phase looks at, when everybody has left. */
  after?(gateway: Gateway): Promise<Partial<Findings>>;
}

/** What a phase found; sizes in MiB, times in milliseconds. */
export interface Findings {
  /** Calls of others that somebody took: all but the refused. */
  calls: number;
  good: number;
  badGateway: number;
  unavailable: number;
  late: number;
  other: number;
  /** Nobody listened. */
  refused: number;
  /** No answer came for 30 s. */
  hung: number;
  /** The connection ended without an answer. */
  lost: number;
  /** Of `calls`, those that were answered 2xx. */
  goodShare: number;
  /** The longest that others waited for an answer. */
  slowestMs: number;
  /** The longest time in which nobody was answered 2xx. */
  gapMs: number;
  /** From the end of the attack until a call was answered 2xx. */
  recoveryMs: number;
  /** Most processes of the function that lived at the same time. */
  functions: number;
  /** What lived on after the gateway's end. */
  orphans: number;
  /** Processes that ended and were not reaped for five seconds. */
  zombies: number;
  /** Peak of one process of the gateway's own. */
  coreMiB: number;
  /** Peak of all its processes, its functions too; pages that several share count for each. */
  groupMiB: number;
  /** The largest of its own processes, a while after everybody has left. */
  restMiB: number;
  /** How many descriptors more are open than before. */
  descriptors: number;
  /** 1 when the gateway ended by itself. */
  died: number;
  /** Peak of the files of its journal. */
  journalMiB?: number;
  /** From the end of the attack until the journal keeps again what it is given. */
  durableMs?: number;
  /** 1 when it could not be started again with the journal that it left. */
  startFailed?: number;
}

export interface Bounds {
  readonly most?: Partial<Findings>;
  readonly least?: Partial<Findings>;
}
