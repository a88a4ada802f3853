import {type Position, RevisionConflict, type StreamAppend} from '../../journal.ts';
import {type Commits, commit, type Entries} from './commit.ts';
import {guardOf, writeGroups} from './message.ts';
import {piecesOf} from './payloads.ts';
import type {Streams} from './streams.ts';
import {isHashed, type Subjects} from './subjects.ts';
import type {Entry} from './writing.ts';

/** Facts and payloads that are kept in one piece. */
export interface Append {
  readonly bytes: number;
  /** @returns the number of the last message; each stream has one, in the order given @throws RevisionConflict; Fault JOURNAL_FAILED */
  commit(): Promise<number>;
}

export interface AppendingHouse {
  readonly commits: Commits;
  readonly streams: Streams;
  readonly subjects: Subjects;
}

/** @param at wall time */
export function prepareAppend({commits, streams, subjects}: AppendingHouse, appends: readonly StreamAppend[], at: number): Append {
  const payloads = appends.flatMap(({payloads = []}) => payloads).flatMap(payload => piecesOf(subjects, payload));
  const bodies = appends.map(({stream, facts}) => writeGroups([[stream, at, commits.named(facts)]]));
  return {
    bytes: [...payloads.map(({body}) => body), ...bodies].reduce((sum, {length}) => sum + length, 0),
    commit: () =>
      commit(commits, {
        size: payloads.length + appends.length > 1 ? 'several' : 'one',
        prepare: async () => [...payloads, ...(await guarded())] as unknown as Entries, // an append has facts
        refused: async () => {
          for (const {stream, expect} of appends) if (expect !== undefined) await confirmed(stream, expect);
        },
      }),
  };

  async function guarded(): Promise<Entry[]> {
    const entries: (Entry & {guard?: number | undefined})[] = [];
    for (const [index, {stream, expect}] of appends.entries()) {
      const subject = subjects.of(stream);
      const guard = expect === undefined ? undefined : await guardFor(stream, expect);
      // Servers look at the guards of a subject before its first message.
      const first = entries.find(entry => entry.subject === subject);
      if (first && guard !== undefined) first.guard = Math.min(first.guard ?? guard, guard);
      entries.push({subject, body: bodies[index] ?? '', guard: first ? undefined : guard});
    }
    return entries;
  }

  async function guardFor(stream: string, expect: Position): Promise<number> {
    const guard = guardOf(expect);
    if (guard !== undefined && !isHashed(stream)) return guard;
    const seen = await streams.revision(stream, false);
    return seen.revision === expect ? seen.guard : confirmed(stream, expect);
  }

  /** @throws RevisionConflict when the stream has another revision as of now */
  async function confirmed(stream: string, expect: Position): Promise<number> {
    const {revision, guard} = await streams.revision(stream, true);
    if (revision !== expect) throw new RevisionConflict(stream, expect, revision);
    return guard;
  }
}
