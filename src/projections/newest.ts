import type {JournalReader, Position, Recorded} from '../journal.ts';

/** How far the first look goes back, and how many times farther each next one. */
const firstLookMs = 1000;
const fartherBy = 10;

/**
The newest facts of the streams whose names begin with a prefix, the oldest of them first. It reads no more of the journal
than it needs, as far as times allow.

@param most how many
@param now wall time, milliseconds since 1970
*/
export async function newestFacts(journal: JournalReader, prefix: string, most: number, now: number): Promise<Recorded[]> {
  let start: Position | undefined;
  for (let backMs = firstLookMs; ; backMs *= fartherBy) {
    const after = await journal.before(Math.max(0, now - backMs));
    let newest: Recorded[] = [];
    for await (const recorded of journal.scan(prefix, {after})) {
      newest.push(recorded);
      if (newest.length >= 2 * most) newest = newest.slice(-most);
    }
    if (newest.length >= most) return newest.slice(-most);
    start ??= await journal.before(0);
    if (after <= start) return newest; // nothing is older
  }
}
