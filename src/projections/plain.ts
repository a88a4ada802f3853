import {isoStamp} from '../clock.ts';
import {catalogue, type FaultCode} from '../errors.ts';
import type {Recorded} from '../journal.ts';
import type {RecordedReply} from '../journals/payload.ts';
import {plainReply, plainRequest} from './exchange.ts';
import type {Explanation} from './explanation.ts';
import {phasesOf} from './phases.ts';

/** A fact for machines: `type` is the bare name of the catalogue. */
export function plainFact({stream, position, at, fact: {type, data}}: Recorded) {
  return {position, stream, at: isoStamp(at), type, data};
}

export type PlainExplanation = ReturnType<typeof plainExplanation>;

/** What `explain --json` prints, and the private listener answers. `error` is what the handler threw, where its lines are kept. */
export function plainExplanation({invocation, facts, boot, claim, request, reply, log}: Explanation) {
  const schedule = claim && {
    name: claim.name,
    occurrence: claim.occurrence,
    attempt: claim.attempt,
    manual: claim.manual === true,
    ...(claim.delivery && {delivery: claim.delivery}),
  };
  const {code} = invocation;
  const cause = code === 'HANDLER_MISSING' ? loadErrorOf(invocation.pid, boot) : undefined;
  const thrown = log?.lines.findLast(({level}) => level === 'error');
  return {
    ...invocation,
    ...(code !== undefined && {fault: {code, message: messageIn(reply) ?? sentenceOf(code), ...(cause !== undefined && {cause})}}),
    ...(thrown && {error: {message: thrown.line, ...(thrown.stack !== undefined && {stack: thrown.stack})}}),
    phases: phasesOf(invocation),
    ...(request && {request: plainRequest(request)}),
    ...(reply && {reply: plainReply(reply)}),
    ...(log && {log: {...log, lines: log.lines.map(line => ({...line, at: isoStamp(line.at)}))}}),
    facts: facts.map(plainFact),
    boot,
    ...(schedule && {schedule}),
    payloads: {request: request !== undefined, reply: reply !== undefined},
  };
}

/** Why the process of a call could not load the handler. Callers get the same text whatever the cause is, so the reply does not say it. */
function loadErrorOf(pid: number | undefined, boot: Explanation['boot']): string | undefined {
  return boot?.processes.findLast(each => each.loadError !== undefined && (pid === undefined || each.pid === pid))?.loadError;
}

/** The reply to a fault is its message, unless the caller asked for a problem document. */
function messageIn(reply: RecordedReply | undefined): string | undefined {
  const isText =
    reply?.headers.some((field, index) => index % 2 === 1 && /^text\/plain/i.test(field)) && reply.headers.includes('Core-Error');
  return isText ? reply?.body.toString().trimEnd() : undefined;
}

/** The code may be one of a later version. Some texts go on with what the handler threw. */
const sentenceOf = (code: string) => (Object.hasOwn(catalogue, code) ? catalogue[code as FaultCode].text.replace(/: $/, '') : code);
