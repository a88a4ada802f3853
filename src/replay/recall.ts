import {commandLine} from '../called-as.ts';
import {catalogue, type FaultCode} from '../errors.ts';
import {JournalDamaged, type JournalReader, type Recorded} from '../journal.ts';
import {type RecordedRequest, readReply, readRequest} from '../journals/payload.ts';
import {lastRun, type Run} from '../projections/boots.ts';
import {evolveInvocation, type InvocationView} from '../projections/invocations.ts';
import type {Outcome} from './compare.ts';
import {partHeaders, type Secrets} from './secrets.ts';

/** A recorded invocation that can be run again. */
export interface Recalled {
  readonly id: string;
  /** Its last run, which gave the reply. */
  readonly run: Run;
  readonly acceptedAt: number | undefined;
  /** The request, without the fields that were taken out when it was recorded. */
  readonly request: RecordedRequest;
  readonly secrets: Secrets;
  /** It was part of a trace. */
  readonly isTraced: boolean;
  /** How it ended then; undefined when that is not asked for. */
  readonly reply: Outcome | undefined;
}

export type Hindrance = 'unknown' | 'facts-only' | 'shredded' | 'damaged' | 'unsettled' | 'never-answered';

/** An invocation that cannot be run again: why, and what would help. */
export interface NotReplayable {
  readonly id: string;
  readonly hindrance: Hindrance;
  readonly reason: string;
  readonly fix: string;
}

/** Why, and what would help; the same words for each, so that they can be counted. */
const hindrances = (): Readonly<Record<Hindrance, readonly [reason: string, fix: string]>> => ({
  unknown: ['nothing is known of it', `list what is with \`${commandLine('invocations')}\``],
  'facts-only': ['it was recorded without its request and reply', 'start the core with CORE_JOURNAL_HTTP=full and record anew'],
  shredded: ['its request or its reply is not kept any more', 'give CORE_JOURNAL_KEEP_BODIES, and CORE_JOURNAL_MAX_SIZE, more'],
  damaged: ['what was kept of it is damaged', `see \`${commandLine('journal verify')}\`, and restore a backup`],
  unsettled: ['it has no reply: it still runs, or it ran when the core ended', 'compare two versions of the code with --against'],
  'never-answered': ['the function did not answer it then', 'compare two versions of the code with --against'],
});

export function notReplayable(id: string, hindrance: Hindrance): NotReplayable {
  const [reason, fix] = hindrances()[hindrance];
  return {id, hindrance, reason, fix};
}

/** Ends in which the function had no part: it was not called, or nobody waited for its answer. */
const notTheFunction: ReadonlySet<string> = new Set<FaultCode>([
  'CALLER_LEFT',
  'DRAINING',
  'INFLIGHT_FULL',
  'INTERNAL',
  'JOURNAL_BUSY',
  'JOURNAL_FAILED',
  'POOL_BUSY',
  'POOL_GAVE_UP',
  'POOL_NOT_READY',
]);

/**
Reads what the journal keeps of an invocation.

@param wantsReply whether the recorded reply is needed, to compare with it
*/
export async function recall(journal: JournalReader, id: string, wantsReply: boolean): Promise<Recalled | NotReplayable> {
  try {
    return await read(journal, id, wantsReply);
  } catch (error) {
    // SyntaxError: the checksum holds, but the bytes are not what a recorder writes.
    if (error instanceof JournalDamaged || error instanceof SyntaxError) return notReplayable(id, 'damaged');
    throw error;
  }
}

async function read(journal: JournalReader, id: string, wantsReply: boolean): Promise<Recalled | NotReplayable> {
  const facts: Recorded[] = [];
  let view: InvocationView | undefined;
  for await (const recorded of journal.read(`invocation.${id}`)) {
    facts.push(recorded);
    view = evolveInvocation(view, recorded);
  }
  const run = lastRun(facts);
  if (!run || !view) return notReplayable(id, 'unknown');
  const requestName = datarefOf(facts, 'invocation.accepted');
  if (requestName === undefined) return notReplayable(id, 'facts-only');
  const bytes = await journal.payload(requestName);
  if (!bytes) return notReplayable(id, 'shredded');
  const reply = wantsReply ? await replyOf(journal, view, datarefOf(facts, 'invocation.settled')) : undefined;
  if (typeof reply === 'string') return notReplayable(id, reply);
  const {headers, ...request} = readRequest(bytes);
  const {kept, secrets} = partHeaders(headers);
  const {acceptedAt, traceparent} = view;
  const isTraced = traceparent !== undefined;
  return {id, run, acceptedAt, request: {...request, headers: kept}, secrets, isTraced, reply};
}

function datarefOf(facts: readonly Recorded[], type: 'invocation.accepted' | 'invocation.settled'): string | undefined {
  for (const {fact} of facts.toReversed()) if (fact.type === type && 'dataref' in fact.data) return fact.data.dataref;
  return undefined;
}

async function replyOf(journal: JournalReader, view: InvocationView, name: string | undefined): Promise<Outcome | Hindrance> {
  const {status, replyStatus, code, streamedBytes = 0} = view;
  if (status === 'running' || replyStatus === undefined) return 'unsettled';
  if (code !== undefined) return notTheFunction.has(code) ? 'never-answered' : failureOf(code as FaultCode, view); // as facts have it
  const bytes = name === undefined ? undefined : await journal.payload(name);
  if (!bytes) return 'shredded';
  const reply = readReply(bytes);
  return reply.body.length < streamedBytes ? {...reply, isCut: true} : reply;
}

/** A streamed reply had left with another status before it failed; when it runs again it is gathered, and fails as any other. */
function failureOf(code: FaultCode, {replyStatus, streamedBytes}: InvocationView): Outcome {
  return {status: streamedBytes === undefined && replyStatus !== undefined ? replyStatus : catalogue[code].status, code};
}

/** The invocations that were accepted from a wall time on, oldest first. */
export async function acceptedSince(journal: JournalReader, since: number): Promise<{id: string; hasRequest: boolean}[]> {
  const found: {id: string; hasRequest: boolean}[] = [];
  for await (const {stream, at, fact} of journal.scan('invocation.', {after: await journal.before(since)})) {
    if (fact.type !== 'invocation.accepted' || at < since) continue;
    found.push({id: stream.slice('invocation.'.length), hasRequest: fact.data.dataref !== undefined});
  }
  return found;
}

/** As many members of a list as `size` says, spread evenly over it. */
export function sample<T>(all: readonly T[], size: number): T[] {
  if (size >= all.length) return [...all];
  return Array.from({length: size}, (_, index) => all[Math.floor(((index + 0.5) * all.length) / size)] as T); // within it
}
