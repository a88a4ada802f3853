import {isoStamp} from '../clock.ts';
import type {JournalReader, Recorded} from '../journal.ts';
import {evolveInvocation, type InvocationView, prefix} from './invocations.ts';
import {newestFacts} from './newest.ts';

/** What became of occurrences of a schedule, the newest first. Each fact of the journal about one is a line, as a run may be taken over. */
export async function scheduleHistory(journal: JournalReader, name: string, limit: number, now: number): Promise<object[]> {
  const facts = await newestFacts(journal, `schedule.${name}.`, limit, now);
  const lines: object[] = [];
  for (const recorded of facts.reverse()) {
    const line = await lineOf(journal, recorded);
    if (line) lines.push(line);
  }
  return lines;
}

async function lineOf(journal: JournalReader, {fact, at}: Recorded): Promise<object | undefined> {
  if (fact.type === 'schedule.missed') {
    const {occurrence, first, count, more, reason} = fact.data;
    return {type: 'missed', occurrence, at: isoStamp(at), first, count, ...(more && {more}), reason};
  }
  if (fact.type !== 'schedule.fired') return undefined;
  const {occurrence, invocationId, attempt, manual = false, delivery} = fact.data;
  let view: InvocationView | undefined;
  for await (const recorded of journal.read(prefix + invocationId)) view = evolveInvocation(view, recorded);
  const {status, replyStatus, durationMs, code} = view ?? {};
  const ended = {status, replyStatus, durationMs, code};
  const withWork = delivery && {delivery, status: view?.pending ?? status ?? 'waiting'};
  return {type: 'fired', occurrence, at: isoStamp(at), invocationId, attempt, manual, ...ended, ...withWork};
}
