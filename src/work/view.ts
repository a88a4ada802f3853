import {isoStamp} from '../clock.ts';
import type {FactTypes} from '../facts.ts';
import type {Recorded} from '../journal.ts';
import type {WorkState} from '../work.ts';
import {whyItWaits} from './why.ts';

/** What the sender of work reads about it. Times are ISO 8601 in UTC. */
export interface WorkView {
  readonly id: string;
  readonly status: WorkViewStatus;
  /** Why it waits, or why it is over without a success: one sentence. */
  readonly why?: string;
  readonly acceptedAt?: string;
  /** When its first attempt began. */
  readonly startedAt?: string;
  readonly settledAt?: string;
  readonly notBefore?: string;
  readonly expires?: string;
  /** Status of the reply, once it is over. */
  readonly replyStatus?: number;
  readonly attempts: readonly AttemptView[];
  /** Attempts that are left out of the list, as they are older. */
  readonly moreAttempts?: number;
  readonly links: WorkLinks;
}

/**
`accepted`: kept, not begun. `delayed`: due later. `behind`: waits for an earlier one of its ordering key. `waiting`: due, waits
for a free place. `retrying`: between two attempts. The others are those of `invocation.settled`.
*/
export type WorkViewStatus =
  | 'accepted'
  | 'waiting'
  | 'delayed'
  | 'behind'
  | 'running'
  | 'retrying'
  | FactTypes['invocation.settled']['outcome'];

export interface AttemptView {
  readonly attempt: number;
  /** Absent when it ended before it reached the function. */
  readonly startedAt?: string;
  /** Absent while it runs. */
  readonly endedAt?: string;
  /** How it failed; absent when it did not. */
  readonly class?: string;
  readonly code?: string;
}

export interface WorkLinks {
  readonly self: string;
  /** Where its reply is, once it is over. */
  readonly reply: string;
  /** Where DELETE cancels it; absent when it is over. */
  readonly cancel?: string;
}

/** Attempts that are listed at most: the newest. */
const mostAttempts = 100;

export interface ViewOptions {
  readonly now: number;
  /** An operator has paused work. */
  readonly isPaused?: boolean;
}

/**
@param facts those of its stream, the oldest first
@param state what the store knows; undefined when it is over, or when it is a call that is waited for
*/
export function viewWork(id: string, facts: readonly Recorded[], state: WorkState | undefined, options: ViewOptions): WorkView {
  const told = tell(facts);
  const status = statusOf(told, state, options.now);
  const {acceptedAt, startedAt, settled, attempts} = told;
  const why = whyItWaits({status, state, settled: settled?.data, last: attempts.at(-1), ...options});
  const due = state && state.due > state.acceptedAt && attempts.length === 0 ? state.due : undefined;
  return {
    id,
    status,
    ...(why !== undefined && {why}),
    ...stamped({acceptedAt: acceptedAt ?? state?.acceptedAt, startedAt, settledAt: settled?.at, notBefore: due, expires: state?.expires}),
    ...(settled && {replyStatus: settled.data.status}),
    attempts: attempts.slice(-mostAttempts),
    ...(attempts.length > mostAttempts && {moreAttempts: attempts.length - mostAttempts}),
    links: linksTo(id, settled !== undefined),
  };
}

/** Where the sender of work asks about it. */
export function linksTo(id: string, isOver = false): WorkLinks {
  const self = `/_core/invocations/${id}`;
  return {self, reply: `${self}/reply`, ...(!isOver && {cancel: self})};
}

interface Told {
  acceptedAt?: number;
  startedAt?: number;
  /** Its end; undefined again when it was sent anew. */
  settled?: {readonly at: number; readonly data: FactTypes['invocation.settled']} | undefined;
  readonly attempts: AttemptView[];
  /** Those of them that came before it was sent anew. */
  before: number;
}

function tell(facts: readonly Recorded[]): Told {
  const told: Told = {attempts: [], before: 0};
  for (const {at, fact} of facts) {
    switch (fact.type) {
      case 'invocation.accepted':
        told.acceptedAt ??= at;
        break;
      case 'attempt.started':
        told.startedAt ??= at;
        told.attempts.push({attempt: fact.data.attempt, startedAt: isoStamp(at)});
        break;
      case 'attempt.failed': {
        const {attempt, class: failure, code} = fact.data;
        endAttempt(told.attempts, {attempt, endedAt: isoStamp(at), class: failure, code});
        break;
      }
      case 'invocation.settled':
        if (isRunning(told.attempts.at(-1))) endAttempt(told.attempts, {endedAt: isoStamp(at)});
        told.settled = {at, data: fact.data};
        break;
      case 'invocation.redriven':
        told.settled = undefined;
        told.before = told.attempts.length;
        break;
    }
  }
  return told;
}

const isRunning = (attempt: AttemptView | undefined) => attempt !== undefined && attempt.endedAt === undefined;

/** Ends the attempt that runs. One that does not run failed before it began. */
function endAttempt(attempts: AttemptView[], end: Partial<AttemptView>): void {
  const running = isRunning(attempts.at(-1)) ? attempts.pop() : undefined;
  attempts.push({attempt: 1, ...end, ...running});
}

function statusOf({settled, attempts, before}: Told, state: WorkState | undefined, now: number): WorkViewStatus {
  if (settled) return settled.data.outcome;
  if (state?.status === 'dead') return 'dead-lettered';
  const isBegun = attempts.length > before;
  if (!state) return isBegun ? 'running' : 'accepted';
  if (state.status !== 'waiting') return state.status;
  if (isBegun) return 'retrying';
  return state.due > now ? 'delayed' : 'waiting';
}

function stamped<K extends string>(times: Readonly<Record<K, number | undefined>>): {readonly [N in K]?: string} {
  const known = Object.entries<number | undefined>(times).flatMap(([name, at]) => (at === undefined ? [] : [[name, isoStamp(at)]]));
  return Object.fromEntries(known);
}
