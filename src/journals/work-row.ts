import type {DeadReason, WorkItem, WorkState, WorkStatus} from '../work.ts';

/*
Work as the engines with tables keep it: the columns of a row, and a document with what has no column.
*/

export const statuses = ['waiting', 'behind', 'running', 'dead'] as const satisfies readonly WorkStatus[];
/** How the table has it. */
export const code = {waiting: 0, behind: 1, running: 2, dead: 3} as const satisfies Record<WorkStatus, number>;

/** What is lost when the core that has claimed an item ends, or was: nothing yet, an attempt, only its end, or a claim of which nobody knew. */
export const lost = {nothing: 0, attempt: 1, end: 2, claim: 3} as const;

/** The members of an item that have no column. */
export type Rest = Omit<WorkItem, 'id' | 'acceptedAt' | 'due' | 'orderingKey'> & {
  reason?: DeadReason;
  isCallback?: boolean;
  redriven?: number;
};

/** A row, without the document. */
export interface WorkRow {
  readonly seq: number;
  readonly id: string;
  readonly status: number;
  readonly due: number;
  readonly epoch: number;
  readonly attempts: number;
  readonly deaths: number;
  readonly lost: number;
  readonly ordering: string | null;
  readonly accepted: number;
  readonly dead_at: number | null;
}

export function stateOfRow(row: WorkRow, {reason, ...rest}: Rest): WorkState {
  return {
    id: row.id,
    acceptedAt: row.accepted,
    due: row.due,
    ...(row.ordering !== null && {orderingKey: row.ordering}),
    ...rest,
    status: statuses[row.status] ?? 'waiting',
    attempts: row.attempts,
    deaths: row.deaths,
    ...(reason && {reason}),
    ...(row.dead_at !== null && {deadAt: row.dead_at}),
  };
}
