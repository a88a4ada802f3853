import type {FactTypes} from '../facts.ts';
import type {Recorded} from '../journal.ts';

/** One invocation, as its facts describe it. */
export interface InvocationView {
  readonly id: string;
  /** `running`: no last fact; after a crash it stays so. */
  readonly status: 'running' | FactTypes['invocation.settled']['outcome'];
  /** It is not over, and the function does not have it: no attempt has begun, or the next one is to follow. */
  readonly pending?: 'waiting' | 'retrying';
  readonly source?: string;
  readonly bytes?: number;
  readonly acceptedAt?: number;
  readonly settledAt?: number;
  readonly durationMs?: number;
  readonly waitedMs?: number;
  /** It waited for a process to start. */
  readonly cold?: true;
  /** When the function was called, from the arrival on, and how long the call took. */
  readonly calledAtMs?: number;
  readonly calledMs?: number;
  /** The status of its reply. */
  readonly replyStatus?: number;
  readonly code?: string;
  readonly pid?: number;
  /** Bytes of a body that left piece by piece. */
  readonly streamedBytes?: number;
  readonly traceparent?: string;
}

/** Every status that an invocation can have. */
export const invocationStatuses: readonly string[] = [
  'running',
  'responded',
  'failed',
  'cancelled',
  'expired',
  'dead-lettered',
] satisfies InvocationView['status'][];

/** How far the list goes back when the caller does not say. */
export const usualSince = '1h';

/** The streams of invocations. */
export const prefix = 'invocation.';

/** @returns undefined for a fact that is not about an invocation */
export function evolveInvocation(view: InvocationView | undefined, {stream, at, fact}: Recorded): InvocationView | undefined {
  if (!stream.startsWith(prefix)) return view;
  const {pending: _, ...known}: InvocationView = view ?? {id: stream.slice(prefix.length), status: 'running'};
  switch (fact.type) {
    case 'invocation.accepted': {
      const {source, bytes, traceparent} = fact.data;
      return {...known, source, bytes, acceptedAt: at, ...(traceparent !== undefined && {traceparent}), ...(waitsFirst(source) && waiting)};
    }
    case 'invocation.settled': {
      const {outcome: status, status: replyStatus, dataref: _, ...more} = fact.data;
      return {...known, status, replyStatus, settledAt: at, ...more};
    }
    case 'invocation.redriven': {
      const {replyStatus, settledAt, durationMs, waitedMs, cold, calledAtMs, calledMs, code, pid, streamedBytes, ...before} = known;
      return {...before, status: 'running', ...waiting}; // how it ended before counts no more
    }
    case 'attempt.failed':
    case 'retry.scheduled':
      return known.status === 'running' ? {...known, pending: 'retrying'} : known;
    default:
      return known;
  }
}

const waiting = {pending: 'waiting'} as const;

/** What comes from these has a fact when an attempt begins. */
const waitsFirst = (source = '') => source === 'work' || source.startsWith('cron:');
