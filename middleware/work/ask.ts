import type {InvocationResult} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Invocation} from '../../src/invocation.ts';
import type {JournalReader, Recorded} from '../../src/journal.ts';
import {readReply} from '../../src/journals/payload.ts';
import {cancelled} from '../../src/work/cancelled.ts';
import {ownerOf} from '../../src/work/fingerprint.ts';
import type {WorkHall} from '../../src/work/hall.ts';
import {withoutRedacted} from '../../src/work/stored.ts';
import {viewWork} from '../../src/work/view.ts';
import type {WorkState} from '../../src/work.ts';
import {jsonReply} from './replies.ts';

export interface AskOptions {
  readonly hall: WorkHall;
  readonly journal: JournalReader;
  readonly isPublic: boolean;
  readonly now: () => number;
}

interface Known {
  readonly facts: readonly Recorded[];
  readonly state: WorkState | undefined;
}

/** Answers what callers ask of the work that they sent. Whoever did not send it gets 404, as if it did not exist. */
export function asker({hall, journal, isPublic, now}: AskOptions) {
  return {answer, replyOf, isOpen: async (id: string) => !isOver(await factsOf(id))};

  async function answer({principal}: Invocation, method: string, path: string): Promise<InvocationResult> {
    const [, id = '', rest] = /^\/_core\/invocations\/([^/]{1,64})(\/reply)?$/.exec(path) ?? [];
    const known = id === '' ? undefined : await find(id, principal?.subject ?? '');
    if (!known) throw new Fault('WORK_UNKNOWN');
    const isRead = method === 'GET' || method === 'HEAD';
    if (rest === '/reply' && isRead) return isOver(known.facts) ? replyOf(id) : unfinished();
    if (rest === undefined && isRead)
      return jsonReply(200, id, viewWork(id, known.facts, known.state, {now: now(), isPaused: hall.runner?.isPaused === true}));
    if (rest === undefined && method === 'DELETE') return cancel(id, known);
    if (rest === undefined)
      throw new Fault('METHOD_REFUSED', {message: `${method} is not served here: GET asks, DELETE cancels`, allow: 'GET, HEAD, DELETE'});
    throw new Fault('METHOD_REFUSED', {message: `${method} is not served here: GET reads the reply`, allow: 'GET, HEAD'});
  }

  async function find(id: string, subject: string): Promise<Known | undefined> {
    const facts = await factsOf(id);
    const accepted = facts.find(({fact}) => fact.type === 'invocation.accepted')?.fact;
    if (accepted?.type !== 'invocation.accepted' || accepted.data.source !== 'work') return undefined;
    if (!isPublic && accepted.data.owner !== ownerOf(subject)) return undefined;
    return {facts, state: await hall.store.find(id)};
  }

  async function factsOf(id: string): Promise<Recorded[]> {
    return Array.fromAsync(journal.read(`invocation.${id}`));
  }

  async function cancel(id: string, {facts}: Known): Promise<InvocationResult> {
    const was = await hall.cancel(id, cancelled({id, acceptedAt: facts[0]?.at ?? now()}, now()));
    const known = {facts: await factsOf(id), state: await hall.store.find(id)};
    const view = viewWork(id, known.facts, known.state, {now: now()});
    if (was === 'waiting' || was === 'behind') return jsonReply(200, id, view);
    if (was === 'running') return jsonReply(202, id, view);
    throw new Fault('WORK_OVER');
  }

  /** As the function gave it, without the fields whose values are not kept. */
  async function replyOf(id: string): Promise<InvocationResult> {
    const bytes = await journal.payload(`invocation.${id}/reply`);
    if (!bytes) throw new Fault('REPLY_GONE');
    const {status, headers, body} = readReply(bytes);
    return {status, headers: withoutRedacted(headers), body};
  }
}

const isOver = (facts: readonly Recorded[]) => facts.at(-1)?.fact.type === 'invocation.settled';

function unfinished(): never {
  throw new Fault('WORK_UNFINISHED', {retryAfterS: 1});
}
