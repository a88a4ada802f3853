import type {FactTypes} from '../facts.ts';
import type {JournalReader, Recorded} from '../journal.ts';
import {Boots, lastRun} from './boots.ts';
import {claimOf} from './claims.ts';
import {evolveInvocation, type InvocationView} from './invocations.ts';
import type {BootView} from './runtimes.ts';

/** Everything that is known about one invocation. */
export interface Explanation {
  readonly invocation: InvocationView;
  readonly facts: readonly Recorded[];
  /** The core that ran it last, and the process in it; undefined when their facts are gone. */
  readonly boot: BootView | undefined;
  /** Which occurrence of which schedule it ran, when it ran one. */
  readonly claim: FactTypes['schedule.fired'] | undefined;
  /** The parts of its request and reply that are still kept. */
  readonly payloads: {readonly request: boolean; readonly reply: boolean};
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
  const has = async (what: string) => (await journal.payload(`invocation.${id}/${what}`)) !== undefined;
  const claim = await claimOf(journal, id, invocation.source);
  return {
    invocation,
    facts,
    boot: (await Boots.read(journal)).of({...run, core: claim?.core}),
    claim,
    payloads: {request: await has('request'), reply: await has('reply')},
  };
}
