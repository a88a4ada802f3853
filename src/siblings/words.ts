import type {Readiness} from '../admin/readiness.ts';
import type {Fact} from '../facts.ts';
import type {AppendOptions, Payload, Receipt} from '../journal.ts';
import type {DrainReport} from '../observe/metrics.ts';
import type {Family} from '../observe/open-metrics.ts';

/** One `record` of a sibling, on its way to the journal. */
export type Record = readonly [stream: string, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[] | undefined];

/** What the leader asks a sibling. */
export type ToSibling = {
  readonly readiness: readonly [undefined, Readiness];
  readonly metrics: readonly [undefined, readonly Family[]];
  /** Undefined when the code of now serves, else why not. */
  readonly reload: readonly [undefined, string | undefined];
  /** Answered when the last call is over and everything is closed. */
  readonly stop: readonly [undefined, DrainReport];
};

/** What a sibling asks, or tells, the leader. */
export type ToLeader = {
  /** Told once: it takes calls. */
  readonly listening: readonly [undefined, undefined];
  /** Asked once a turn of the event loop; answered when they were taken. */
  readonly record: readonly [readonly Record[], undefined];
  readonly append: readonly [
    {readonly stream: string; readonly facts: readonly [Fact, ...Fact[]]; readonly options: AppendOptions | undefined},
    Receipt,
  ];
};
