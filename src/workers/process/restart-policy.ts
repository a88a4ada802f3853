/** When a sub-runtime is started again, and when it is given up. */
export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /**
  A process that was up for this long, or has answered a call, has served well: however it ends, the next start is at once.
  An exit before that is early, and only early exits make the back-off longer and lead to giving up.
  */
  readonly wellMs: number;
  /**
  After more early exits than this in a row and within the period, the sub-runtime is given up, unless the function served
  well in any place within that period. To give up is to judge the function, and one place may by chance get only calls
  that end its process.
  */
  readonly exitsAllowed: number;
  readonly withinMs: number;
  /** After giving up a start is tried now and then: the longest pause between two of them. The shortest is half of it. */
  readonly trialMs: number;
  /** Longest pause after a start that the host refused. It is short: such a start costs little, and the host may recover at any moment. */
  readonly longestRefusedMs: number;
}

export const restartPolicy: RestartPolicy = {
  firstDelayMs: 100,
  longestDelayMs: 15_000,
  wellMs: 500,
  exitsAllowed: 10,
  withinMs: 120_000,
  trialMs: 60_000,
  longestRefusedMs: 2000,
};
