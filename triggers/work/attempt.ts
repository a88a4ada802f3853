import type {InvocationResult} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact, FactTypes} from '../../src/facts.ts';
import {faultResult} from '../../src/http/answer.ts';
import {writeReply} from '../../src/journals/payload.ts';
import type {WorkOutcome} from '../../src/meter.ts';
import type {WorkEnd} from '../../src/work/hall.ts';
import {asksAgain, decide, failureOf} from '../../src/work/retry.ts';
import {forgottenSecrets} from '../../src/work/stored.ts';
import type {Claimed, Retry, Settlement, WorkLimits} from '../../src/work.ts';
import type {WorkDelivery} from './delivery.ts';

/** What is to be kept about an attempt that has ended. */
export type Outcome = {readonly settle: Settlement} | {readonly retry: Retry};

export interface AttemptRules {
  readonly limits: WorkLimits;
  /** Wall time. */
  readonly now: number;
  /** From 0 to below 1. */
  readonly random: number;
  /** Tries in a row that did not reach the function, before this one. */
  readonly refusals: number;
  /** Somebody asked for its end. */
  readonly isCancelled: boolean;
}

/** Decides what becomes of an item after an attempt. */
export function outcomeOf(claimed: Claimed, {result, end}: WorkDelivery, rules: AttemptRules): Outcome {
  const {attempts: attempt, deaths, mostAttempts} = claimed;
  const fault = result?.fault;
  const status = result?.status ?? 500;
  const headers = result?.headers ?? [];
  const settled = end?.settled ?? {outcome: fault ? 'failed' : 'responded', status, durationMs: 0, ...(fault && {code: fault.code})};
  const failed = failedFact(claimed, end?.failed, result);
  const payloads = () => [...(end?.payloads ?? []), ...forgottenSecrets(claimed)];
  const isOnce = mostAttempts === 1;
  const isCancelled = rules.isCancelled && failed.length > 0; // a function that had answered is not cancelled any more
  if (isCancelled) return {settle: {facts: [...failed, last({...settled, outcome: 'cancelled'})], payloads: payloads()}};
  if (isOnce && fault && !fault.reached) {
    // Its sender gets the refusal, and may send it again as if it were new.
    return {settle: {facts: [...failed, last({...settled, outcome: 'cancelled'})], payloads: payloads(), freesKey: true}};
  }
  const limits = {...rules.limits, attempts: mostAttempts ?? rules.limits.attempts};
  const decision = decide({attempt, deaths, refusals: rules.refusals, fault, status, headers}, {...rules, limits});
  if (decision.kind === 'done' || (decision.kind === 'dead' && isOnce))
    return {settle: {facts: [...failed, last(settled)], payloads: payloads(), posts: claimed.callback !== undefined}};
  if (decision.kind === 'retry') {
    const {afterMs, isFree, deaths} = decision;
    const next: Fact = {type: 'retry.scheduled', data: {attempt: isFree ? attempt : attempt + 1, afterMs}};
    return {retry: {due: rules.now + afterMs, isFree, deaths, facts: [...failed, next]}};
  }
  const {why, class: failure} = decision;
  // The request stays with its secrets, as it may be sent again.
  const dead = {why, class: failure, status};
  return {settle: {facts: [...failed, last({...settled, outcome: 'dead-lettered'})], payloads: end?.payloads ?? [], dead}};
}

/** What the sender of an item was told that is taken back: its claim was kept, but reported to have failed. */
const withdrawn = () => new Fault('JOURNAL_FAILED', {retryAfterS: 1});

/** What those are told who wait for an item that does not run. */
export function endOf({id, task}: Claimed): WorkEnd {
  return task === 'withdraw' ? {result: faultResult(withdrawn(), id, '')} : {};
}

/** An attempt that was claimed and not begun, as the core stops. */
export const givenBack = (attempt: number): readonly Fact[] => [
  {type: 'attempt.failed', data: {attempt, class: 'busy', retryable: true, code: 'DRAINING'}},
  {type: 'retry.scheduled', data: {attempt, afterMs: 0}},
];

/** The end of an item that may not run, or may not run any more. */
export function withoutRun(claimed: Claimed, {limits, now}: Pick<AttemptRules, 'limits' | 'now'>): Outcome {
  const {id, task, acceptedAt, deaths, mostAttempts} = claimed;
  const durationMs = Math.max(0, now - acceptedAt);
  if (task === 'expire') {
    const fact: Fact = {type: 'invocation.settled', data: {outcome: 'expired', status: 410, durationMs}};
    return {settle: {facts: [fact], payloads: forgottenSecrets(claimed)}};
  }
  if (task === 'withdraw') {
    const {status, code} = withdrawn();
    const fact: Fact = {type: 'invocation.settled', data: {outcome: 'cancelled', status, code, durationMs}};
    return {settle: {facts: [fact], payloads: forgottenSecrets(claimed), freesKey: true}};
  }
  if (mostAttempts === 1) {
    // Its sender waited, and gets this with the same key.
    const fault = new Fault('UPSTREAM_LOST', {message: 'The core ended during the call, which may have run'});
    const reply = {name: `invocation.${id}/reply`, bytes: writeReply(faultResult(fault, id, ''), headers => [...headers])};
    const data = {outcome: 'failed', status: fault.status, code: fault.code, durationMs, dataref: reply.name} as const;
    return {settle: {facts: [{type: 'invocation.settled', data}], payloads: [reply, ...forgottenSecrets(claimed)]}};
  }
  const fact: Fact = {type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 502, code: 'UPSTREAM_LOST', durationMs}};
  return {settle: {facts: [fact], dead: {why: deaths >= limits.deaths ? 'poison' : 'exhausted', class: 'lost', status: 502}}};
}

/** How it is counted. */
export function countedAs(outcome: Outcome): WorkOutcome {
  if ('retry' in outcome) return outcome.retry.isFree ? 'deferred' : 'retried';
  if (outcome.settle.dead) return 'dead';
  const end = outcome.settle.facts.at(-1);
  const how = end?.type === 'invocation.settled' ? end.data.outcome : 'responded';
  return how === 'cancelled' || how === 'expired' ? how : 'responded';
}

const last = (data: FactTypes['invocation.settled']): Fact => ({type: 'invocation.settled', data});

/** A reply of the function that asks for another attempt is a failure, too. */
function failedFact(
  {attempts: attempt}: Claimed,
  kept: FactTypes['attempt.failed'] | undefined,
  result: InvocationResult | undefined,
): [] | [Fact] {
  if (kept) return [{type: 'attempt.failed', data: kept}];
  const fault = result?.fault;
  if (fault) {
    return [{type: 'attempt.failed', data: {attempt, class: failureOf(fault), retryable: !fault.reached, code: fault.code}}];
  }
  if (result && !asksAgain(result.status)) return [];
  return [{type: 'attempt.failed', data: {attempt, class: 'error', retryable: true, code: 'HANDLER_FAILED'}}];
}
