import type {FactTypes} from '../facts.ts';
import type {JournalReader} from '../journal.ts';

/** The newest claim of the occurrence that an invocation runs; undefined when it runs none. */
export async function claimOf(journal: JournalReader, invocationId: string, source = ''): Promise<FactTypes['schedule.fired'] | undefined> {
  const [, name] = /^cron:(.+)$/.exec(source) ?? [];
  if (name === undefined) return undefined;
  let newest: FactTypes['schedule.fired'] | undefined;
  for await (const {fact} of journal.scan(`schedule.${name}.`)) {
    if (fact.type === 'schedule.fired' && fact.data.invocationId === invocationId) newest = fact.data;
  }
  return newest;
}
