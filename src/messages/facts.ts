import type {AttemptEnd, InvocationResult, RequestInput} from '../delivery.ts';
import type {AttemptFailure, Fact, FactTypes} from '../facts.ts';
import type {Journal, Payload} from '../journal.ts';
import {redactor, writeRequest} from '../journals/payload.ts';

/** Secrets that a message carries as headers are kept as their hashes, as those of a request are. */
export const redact = redactor('');

export interface Begun {
  readonly name: string;
  readonly id: string;
  readonly attempt: number;
  /** False when an earlier attempt has kept the message already. */
  readonly isFirst: boolean;
  /** Since when it was a dead letter, if it was one. */
  readonly deadForMs: number | undefined;
}

/** Keeps that an attempt begins. The attempt does not wait for it. @throws Fault JOURNAL_BUSY, JOURNAL_FAILED */
export async function keepBegin(journal: Journal, {name, id, attempt, isFirst, deadForMs}: Begun, request: RequestInput): Promise<unknown> {
  const stream = `invocation.${id}`;
  const started: Fact = {type: 'attempt.started', data: {attempt, epoch: attempt}};
  if (!isFirst && deadForMs === undefined) return journal.append(stream, [started], {lingers: true});
  if (deadForMs !== undefined) {
    const redriven: Fact = {type: 'invocation.redriven', data: {deadForMs: Math.max(0, deadForMs)}};
    return journal.append(stream, [redriven, started], {lingers: true});
  }
  const dataref = `${stream}/request`;
  const accepted: Fact = {type: 'invocation.accepted', data: {source: name, bytes: request.body.length, attempt, dataref}};
  const payloads = [{name: dataref, bytes: writeRequest(request, redact)}];
  return journal.append(stream, [accepted, started], {payloads, lingers: true});
}

/** The fact of an attempt that succeeded, and what is kept with it: nobody reads the reply, so one without a body is only its status. */
export function doneFact({status, body}: InvocationResult, end: AttemptEnd | undefined): {fact: Fact; payloads: readonly Payload[]} {
  const data: FactTypes['invocation.settled'] = end?.settled ?? {outcome: 'responded', status, durationMs: 0};
  if (body.length > 0) return {fact: {type: 'invocation.settled', data}, payloads: end?.payloads ?? []};
  const {dataref: _, ...without} = data;
  return {fact: {type: 'invocation.settled', data: without}, payloads: []};
}

/** Why an attempt did not succeed, and what follows. */
export interface Failure {
  readonly attempt: number;
  readonly end: AttemptEnd | undefined;
  readonly code: NonNullable<Extract<Fact, {type: 'attempt.failed'}>['data']['code']>;
  /** False: the function was not reached, so the attempt does not count. */
  readonly reached: boolean;
  /** Milliseconds until the next one; undefined after the last. */
  readonly afterMs: number | undefined;
  /** Of the reply. */
  readonly status: number;
}

/** The facts of an attempt that failed, and what is kept with them. */
export function failedFacts({attempt, end, code, reached, afterMs, status}: Failure): {
  facts: [Fact, ...Fact[]];
  payloads: readonly Payload[];
} {
  const failureClass: AttemptFailure = reached ? 'error' : 'busy';
  const failed: Fact = {
    type: 'attempt.failed',
    data: end?.failed ?? {attempt, class: failureClass, retryable: afterMs !== undefined, code},
  };
  if (afterMs !== undefined) {
    const next: Fact = {type: 'retry.scheduled', data: {attempt: reached ? attempt + 1 : attempt, afterMs}};
    return {facts: [failed, next], payloads: []};
  }
  return {facts: [failed, lastFact(end, status)], payloads: end?.payloads ?? []};
}

/** The last fact of a message that is put aside. */
export const lastFact = (end: AttemptEnd | undefined, status: number): Fact => ({
  type: 'invocation.settled',
  data: {...(end?.settled ?? {status, durationMs: 0}), outcome: 'dead-lettered'},
});

/**
Which attempt it is. A broker counts deliveries, also those that did not reach the function; the journal does not.

@param delivery which one it is; undefined where the broker does not count
@param newest fact of the invocation; undefined where the journal does not know it
*/
export function attemptOf(delivery: number | undefined, newest: Fact | undefined): number {
  if (!newest) return delivery ?? 1;
  return Math.min(delivery ?? Number.POSITIVE_INFINITY, attemptAfter(newest));
}

function attemptAfter(fact: Fact): number {
  if (fact.type === 'retry.scheduled') return fact.data.attempt;
  return fact.type === 'attempt.started' || fact.type === 'attempt.failed' ? fact.data.attempt + 1 : 1;
}
