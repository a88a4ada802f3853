import type {CoreView} from '../../admin/core-view.ts';
import type {Readiness} from '../../admin/readiness.ts';
import type {Fact} from '../../facts.ts';
import type {AppendOptions, Payload, Receipt} from '../../journal.ts';
import type {DrainReport} from '../../observe/metrics/metrics.ts';
import type {Family} from '../../observe/metrics/open-metrics.ts';

/**
What a sibling recorded, on its way to the journal: streams and facts, in order, as one text of JSON, which costs both
sides less than copies of many objects; and the payloads of the record at an index.
*/
export interface Records {
  readonly text: string;
  readonly payloads: ReadonlyMap<number, readonly Payload[]>;
}

/** What the text holds: one for each call of `record`. */
export type WrittenRecord = readonly [stream: string, facts: readonly [Fact, ...Fact[]]];

/** What a sibling has counted. The leader keeps the newest account, and uses it when the sibling no longer answers. */
export interface Account {
  readonly families: readonly Family[];
  /** What became of the events since its stop began. Before that, what is in flight counts as lost, as it would be if the process ended. */
  readonly drain: DrainReport;
}

/** What the leader asks a sibling. */
export type ToSibling = {
  readonly readiness: readonly [undefined, Readiness];
  readonly account: readonly [undefined, Account];
  readonly processes: readonly [undefined, CoreView];
  /** Undefined when the new code is serving, else why not. */
  readonly reload: readonly [undefined, string | undefined];
  /** Answered when the last call is over and everything is closed. */
  readonly stop: readonly [undefined, Account];
};

/** What a sibling asks the leader, or reports to it. */
export type ToLeader = {
  /** Reported once: the sibling takes calls now. */
  readonly listening: readonly [undefined, undefined];
  /** A sign of life, several times a second; the leader's answer is its own sign of life. */
  readonly beat: readonly [Account, undefined];
  /** Answered when the leader has taken the records. */
  readonly record: readonly [Records, undefined];
  readonly append: readonly [
    {readonly stream: string; readonly facts: readonly [Fact, ...Fact[]]; readonly options: AppendOptions | undefined},
    Receipt,
  ];
};
