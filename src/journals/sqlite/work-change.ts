import type {Fact} from '../../facts.ts';
import type {Claimed, EnqueueOptions, Retry, Settlement, UsedKey, WorkItem, WorkLimits, WorkState, WorkStatus} from '../../work.ts';

/** What a command does to work, beside the facts that it appends. */
export type WorkChange =
  | ({readonly kind: 'enqueue'; readonly item: WorkItem} & Pick<EnqueueOptions, 'key' | 'claims' | 'most'>)
  | {readonly kind: 'claim'; readonly most: number; readonly limits: WorkLimits}
  | ({readonly kind: 'settle'; readonly id: string; readonly epoch: number} & Pick<Settlement, 'dead' | 'posts' | 'freesKey'>)
  | ({readonly kind: 'retry'; readonly id: string; readonly epoch: number} & Pick<Retry, 'due' | 'isFree' | 'deaths'>)
  | {readonly kind: 'cancel'; readonly id: string}
  | {readonly kind: 'redrive'; readonly id: string; readonly due: number}
  | {readonly kind: 'drop'; readonly id: string}
  | {readonly kind: 'restore'; readonly state: WorkState}
  | {readonly kind: 'restore-key'; readonly key: UsedKey};

/** Facts that a change brings by itself, after those of its command. */
export interface Applied {
  readonly facts: readonly {readonly stream: string; readonly fact: Fact}[];
  readonly claimed?: readonly Claimed[];
  readonly was?: WorkStatus;
}
