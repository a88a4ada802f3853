import type {Fault} from '../errors.ts';
import type {AttemptFailure} from '../facts.ts';
import {fieldOf} from '../http/field.ts';
import type {DeadReason, WorkLimits} from '../work.ts';

/** How an attempt ended. */
export interface AttemptEnd {
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** Attempts in a row that ended with their process, before this one. */
  readonly deaths: number;
  /** Tries in a row that did not reach the function, before this one. */
  readonly refusals: number;
  /** Why the function did not succeed; absent when it answered. */
  readonly fault?: Fault | undefined;
  readonly status: number;
  /** Those of the reply: name, value, name, value … */
  readonly headers: readonly string[];
}

export interface RetryRules {
  readonly limits: WorkLimits;
  /** Wall time, for a `Retry-After` that is a date. */
  readonly now: number;
  /** From 0 to below 1. */
  readonly random: number;
}

/** What becomes of the work. `done`: it is settled with the status of this attempt. */
export type Decision =
  | {readonly kind: 'done'}
  | {readonly kind: 'retry'; readonly afterMs: number; readonly isFree: boolean; readonly deaths: number}
  | ({readonly kind: 'dead'} & DeadReason);

/** Between two attempts; the wait is a random part of this, so that many do not come back at once. */
const backOffMs = {first: 1000, most: 15 * 60_000};
/** Between two tries of which the first did not reach the function. */
const refusedMs = {first: 250, most: 15_000};
/** A reply may ask for this wait, and not for more. */
const longestRetryAfterMs = 3_600_000;

/** Statuses below 500 that ask for another attempt. */
const passing = new Set([408, 425, 429]);

/** Whether a reply with this status asks for another attempt. */
export const asksAgain = (status: number) => status >= 500 || passing.has(status);

export function decide(end: AttemptEnd, {limits, now, random}: RetryRules): Decision {
  const {attempt, fault, status, headers} = end;
  if (fault && wasRefused(fault)) return tryAgain(end, fault);
  // Nobody waits for work, so what breaks it off is the end of the core.
  const isBrokenOff = fault?.code === 'CALLER_LEFT';
  if (!asksAgain(status) && !isBrokenOff) return {kind: 'done'};
  const failure = fault ? failureOf(fault) : 'error';
  const deaths = deathsAfter(end.deaths, failure);
  const dead = (why: DeadReason['why']): Decision => ({kind: 'dead', why, class: failure, status});
  if (deaths >= limits.deaths) return dead('poison');
  if (fieldOf(headers, 'core-no-retry').toLowerCase() === 'true') return dead('refused');
  if (attempt >= limits.attempts) return dead('exhausted');
  // Another core may go on at once.
  return {kind: 'retry', afterMs: isBrokenOff ? 0 : waitAfter(attempt, headers, {now, random}), isFree: false, deaths};
}

/**
How long it is waited after an attempt that failed, in milliseconds.

@param attempt from 1
@param headers those of the reply
*/
export function waitAfter(attempt: number, headers: readonly string[], {now, random}: Pick<RetryRules, 'now' | 'random'>): number {
  return Math.max(Math.round(random * doubled(backOffMs, attempt - 1)), retryAfterMs(headers, now));
}

/** True when the function was not reached and may be later. */
const wasRefused = (fault: Fault) => !fault.reached && (fault.retryable || fault.code.startsWith('UPSTREAM_'));

function tryAgain({deaths, refusals}: AttemptEnd, {code, retryAfterS = 0}: Fault): Decision {
  const afterMs = code === 'DRAINING' ? 0 : Math.max(doubled(refusedMs, refusals), retryAfterS * 1000);
  return {kind: 'retry', afterMs, isFree: true, deaths};
}

const doubled = ({first, most}: {first: number; most: number}, times: number) => Math.min(first * 2 ** times, most);

/** A call that was lost for an unknown reason, or broken off, says nothing about the process: the row goes on, and is not longer. */
function deathsAfter(before: number, failure: AttemptFailure): number {
  if (failure === 'crash' || failure === 'oom') return before + 1;
  return failure === 'lost' || failure === 'cancelled' ? before : 0;
}

/** The class of a failure, as `attempt.failed` has it. */
export function failureOf(fault: Fault): AttemptFailure {
  if (fault.ended) return fault.ended;
  if (!fault.reached) return 'busy';
  if (fault.code === 'UPSTREAM_TIMEOUT') return 'timeout';
  if (fault.code === 'UPSTREAM_LOST') return 'lost';
  return fault.code === 'CALLER_LEFT' ? 'cancelled' : 'error';
}

const httpDate = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** RFC 9110 §10.2.3. What is neither seconds nor a date counts as 0. */
export function retryAfterMs(headers: readonly string[], now: number): number {
  const given = fieldOf(headers, 'retry-after').trim();
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : httpDate.test(given) ? Date.parse(given) - now : 0;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longestRetryAfterMs);
}
