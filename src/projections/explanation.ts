import {attempt} from '../attempt.ts';
import type {FactTypes} from '../facts.ts';
import type {JournalReader, Recorded} from '../journal.ts';
import {type RecordedLog, type RecordedReply, type RecordedRequest, readLog, readReply, readRequest} from '../journals/payload.ts';
import {Boots, lastRun} from './boots.ts';
import {claimOf} from './claims.ts';
import {evolveInvocation, type InvocationView} from './invocations.ts';
import type {BootView} from './runtimes.ts';

/** Everything that is known about one invocation. */
export interface Explanation {
  readonly invocation: InvocationView;
  readonly facts: readonly Recorded[];
  /** The core that ran it last, or accepted it as long as none has, and its processes; undefined when that is not known. */
  readonly boot: BootView | undefined;
  /** Which occurrence of which schedule it ran, when it ran one. */
  readonly claim: FactTypes['schedule.fired'] | undefined;
  /** What is still kept of its request, of its reply, and of what the function wrote meanwhile. */
  readonly request: RecordedRequest | undefined;
  readonly reply: RecordedReply | undefined;
  readonly log: RecordedLog | undefined;
}

/** @returns undefined when nothing is known about it */
export async function explainInvocation(journal: JournalReader, id: string): Promise<Explanation | undefined> {
  const facts: Recorded[] = [];
  let invocation: InvocationView | undefined;
  for await (const recorded of journal.read(`invocation.${id}`)) {
    facts.push(recorded);
    invocation = evolveInvocation(invocation, recorded);
  }
  const run = lastRun(facts);
  if (!run || !invocation) return undefined;
  const claim = await claimOf(journal, id, invocation.source);
  return {
    invocation,
    facts,
    // Work runs an occurrence in any later core, too.
    boot: (await Boots.read(journal)).of({...run, core: run.core ?? (claim?.delivery === 'work' ? undefined : claim?.core)}),
    claim,
    request: await kept(journal, `invocation.${id}/request`, readRequest),
    reply: await kept(journal, `invocation.${id}/reply`, readReply),
    log: await kept(journal, `invocation.${id}/log`, readLog),
  };
}

/** Undefined also for bytes that a later version wrote in another form. */
async function kept<T>(journal: JournalReader, name: string, read: (bytes: Uint8Array) => T): Promise<T | undefined> {
  const bytes = await journal.payload(name);
  return bytes && attempt(() => read(bytes));
}
