import type {Fact} from './facts.ts';
import type {Journal, Payload, Receipt} from './journal.ts';
import type {WorkElsewhere} from './work/elsewhere.ts';

/*
Work: invocations that nobody waits for. An engine keeps them beside its facts and hands each to one core at a time. Every
change of an item and the facts about it are one commit. All times are wall time in milliseconds since 1970.
*/

/** What an engine keeps of an invocation until it is over. */
export interface WorkItem {
  /** Of the invocation. */
  readonly id: string;
  readonly acceptedAt: number;
  /** It does not start before. */
  readonly due: number;
  /** It is given up when it has not started by then. */
  readonly expires?: number | undefined;
  /** Items with the same key run one at a time, in the order in which they were accepted. */
  readonly orderingKey?: string | undefined;
  /** Where its reply is posted. */
  readonly callback?: string | undefined;
  /** The trace of its sender. */
  readonly traceparent?: string | undefined;
  /** A hash of who sent it; only the same caller may ask for it. Absent for a public function, where the id is the key. */
  readonly owner?: string | undefined;
  /** True: its request is kept whole, without secrets beside it that have to go when it is over. */
  readonly isBare?: true | undefined;
  /** Most attempts; undefined for as many as the core's settings say. */
  readonly mostAttempts?: number | undefined;
}

/** Where an item stands. `behind` waits for an earlier item of its ordering key. */
export type WorkStatus = 'waiting' | 'behind' | 'running' | 'dead';

/** An item as it stands now. */
export interface WorkState extends WorkItem {
  readonly status: WorkStatus;
  /** How many attempts have begun since it was accepted or sent again. */
  readonly attempts: number;
  /** How many attempts in a row ended with the process that ran them. */
  readonly deaths: number;
  /** How often it was sent again as a dead letter; absent when it was not. */
  readonly redriven?: number | undefined;
  /** True: it is over and its reply is kept; what is left is to post that to its callback. Its attempts are those of posting. */
  readonly isCallback?: boolean | undefined;
  /** Why it is a dead letter: of the last attempt. */
  readonly reason?: DeadReason | undefined;
  /** Since when it is a dead letter. */
  readonly deadAt?: number | undefined;
}

export interface DeadReason {
  /** `exhausted`: no attempts were left; `refused`: the function asked for no further one; `poison`: its process died each time. */
  readonly why: 'exhausted' | 'refused' | 'poison';
  /** Class of the last failure, as in `attempt.failed`. */
  readonly class: string;
  /** Status of the last reply. */
  readonly status: number;
}

/** An item that this core runs. */
export interface Claimed extends WorkState {
  /** Rises with each claim. What an older one asks for is refused. */
  readonly epoch: number;
  /**
  What this claim is for: to run an attempt; to end an item that may not run any more; to end one whose sender was told that
  it was not taken; or to post its reply.
  */
  readonly task: 'run' | 'expire' | 'bury' | 'withdraw' | 'callback';
}

/** A key that makes a request unique for a while. */
export interface IdempotencyKey {
  /** Hash of function, caller and key. */
  readonly scope: string;
  /** Hash of the request. */
  readonly fingerprint: string;
  readonly until: number;
}

/** A key that was used, and by which invocation. */
export interface UsedKey extends IdempotencyKey {
  readonly id: string;
}

export type Enqueued =
  | {readonly kind: 'accepted'; readonly receipt: Receipt; readonly claimed?: Claimed | undefined}
  /** The key was used before: nothing was written. */
  | {readonly kind: 'known'; readonly id: string; readonly fingerprint: string}
  /** As many items wait as may: nothing was written. */
  | {readonly kind: 'full'};

export interface EnqueueOptions {
  /** `invocation.accepted`; it begins the stream `invocation.<id>`. */
  readonly facts: readonly [Fact, ...Fact[]];
  readonly payloads: readonly Payload[];
  readonly key?: IdempotencyKey | undefined;
  /** True: the caller runs it at once, so it is claimed in the same commit. Not for an item with an ordering key. */
  readonly claims?: boolean | undefined;
  /** Most items that may wait or run. */
  readonly most: number;
}

/** Facts about an item, kept with the change or not at all. Their stream is `invocation.<id>`. There are none about posting a reply. */
export interface Change {
  readonly facts: readonly Fact[];
  readonly payloads?: readonly Payload[];
}

export interface Settlement extends Change {
  /** Absent: it is over. Present: it becomes a dead letter, whose request stays until it is dropped. */
  readonly dead?: DeadReason | undefined;
  /** True: it is over, but stays to have its reply posted. It holds back no other of its ordering key. */
  readonly posts?: boolean | undefined;
  /** True: the item's idempotency key may be used again, as nothing was run. */
  readonly freesKey?: boolean | undefined;
}

export interface Retry extends Change {
  readonly due: number;
  /** True: the function was not reached, so the attempt does not count. */
  readonly isFree?: boolean | undefined;
  /** How many attempts in a row have now ended with their process. */
  readonly deaths: number;
}

export interface Census {
  readonly waiting: number;
  /** Those of the waiting that may start now; 100,000 when there are more. */
  readonly due: number;
  readonly behind: number;
  readonly running: number;
  readonly dead: number;
  /** When the oldest item that has not ended was accepted. */
  readonly oldest: number | undefined;
  /** When the next waiting item is due. */
  readonly next: number | undefined;
}

export interface WorkQuery {
  readonly status?: WorkStatus | undefined;
  /** Ids are in the order of time: this one and older ones are left out. The list goes on from there, the oldest first. */
  readonly after?: string | undefined;
  readonly limit: number;
  readonly orderingKey?: string | undefined;
}

/** The work that an engine keeps. Every promise rejects with a Fault JOURNAL_BUSY or JOURNAL_FAILED when it cannot be written. */
export interface WorkStore extends Partial<WorkElsewhere> {
  /** @throws RevisionConflict when there is an invocation with this id */
  enqueue(item: WorkItem, options: EnqueueOptions): Promise<Enqueued>;
  /**
  Takes items that are due, the longest due first, and appends `attempt.started` for those that are to run. What a core held
  that has ended is due at once, where several cores share a journal once its lease is over; its attempt is noted as lost.

  @param most how many
  @param limits attempts and deaths in a row after which an item is buried
  */
  claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]>;
  /** Ends a claim. @returns false when the claim is outdated: nothing was written */
  settle(claimed: Pick<Claimed, 'id' | 'epoch'>, settlement: Settlement): Promise<boolean>;
  /** Gives an item back for a later attempt. @returns as for `settle` */
  retryAt(claimed: Pick<Claimed, 'id' | 'epoch'>, retry: Retry): Promise<boolean>;
  /** Ends an item that does not run. @returns what it was; for one that runs nothing is written; undefined when there is none */
  cancel(id: string, change: Change): Promise<WorkStatus | undefined>;
  /** Makes a dead letter due, with attempts anew. @returns false when it is none */
  redrive(id: string, change: Change & {readonly due: number}): Promise<boolean>;
  /** Forgets a dead letter. @param payloads kept with that @returns false when it is none */
  drop(id: string, payloads?: readonly Payload[]): Promise<boolean>;
  /**
  Takes over an item of another journal as it stood there, behind those of its ordering key that are here. What ran there counts
  as lost. Its facts are here already. Absent where nothing outlives the core.

  @returns false when it is here already: nothing was written
  */
  restore?(state: WorkState): Promise<boolean>;
  /** Takes over a key of another journal, whose invocation is here already. @returns false when it is used here: nothing was written */
  restoreKey?(key: UsedKey): Promise<boolean>;
  find(id: string): Promise<WorkState | undefined>;
  list(query: WorkQuery): Promise<readonly WorkState[]>;
  census(): Promise<Census>;
  /** When the next waiting item is due; undefined when none waits. Much cheaper than a census. */
  nextDue(): Promise<number | undefined>;
}

/** A journal whose engine keeps work, too. */
export interface WorkingJournal extends Journal {
  readonly work: WorkStore;
}

export const keepsWork = (journal: Journal): journal is WorkingJournal => 'work' in journal;

export interface WorkLimits {
  readonly attempts: number;
  readonly deaths: number;
}
