import type {DatabaseSync} from 'node:sqlite';
import {isLast} from '../../facts.ts';
import {JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import {lineHead} from './line.ts';
import {type Pack, readPack, readStream} from './pack.ts';

/** Says which packs must not be removed at any age. */
export interface Hold {
  /** @throws JournalDamaged when what it holds cannot be read */
  mustStay(pack: Pack): boolean;
  /** The streams that table `stream` lists for a pack. @throws JournalDamaged */
  streamsOf(pack: Pack): readonly string[];
  /** Called when the pack was removed: its claims keep nothing any more. */
  gone(pack: Pack): void;
}

/**
A pack stays while it has
- the newest fact of a schedule, which says since when occurrences may have been missed;
- a claim whose invocation is not over, as the occurrence is delivered again;
- work that waits, runs or is a dead letter, which may be sent again;
- an invocation that was written ahead and is not over for long enough, or that a claim in another pack names: without
  its last fact the occurrence would look as if it had never ended.

@param overBefore invocations that were over before this time may go
@param until the last pack that `mustStay` is asked about
*/
export function hold(db: DatabaseSync, overBefore: number, until: Position): Hold {
  const isListed = db.prepare('SELECT 1 FROM stream WHERE name = ? AND last = ?');
  const {pinned, claimed} = schedulesIn(db, until);
  const named = claimsBy(
    db,
    [...claimed].filter(last => last <= until),
  );

  const isWork = workIn(db);
  const newestOf = (stream: string) => newestListed(db, stream);
  const isOver = (stream: string) => isLast(newestOf(stream)?.fact.type ?? 'invocation.accepted');
  const isHeld = (stream: string, {last}: Pack): boolean => {
    if (stream.startsWith('schedule.')) {
      const claim = newestOf(stream)?.fact;
      return claim?.type === 'schedule.fired' && !isOver(`invocation.${claim.data.invocationId}`);
    }
    if (!stream.startsWith('invocation.')) return false;
    if (isWork(stream)) return true;
    for (const claims of named.get(stream) ?? []) if (claims !== last) return true;
    const newest = newestOf(stream);
    return newest === undefined || !isLast(newest.fact.type) || newest.at >= overBefore;
  };
  const streamsOf = (pack: Pack) => {
    const names = new Set([...readPack(pack)].map(({stream}) => stream));
    return [...names].filter(name => isListed.get(name, pack.last));
  };
  return {
    mustStay: pack => pinned.has(pack.last) || streamsOf(pack).some(stream => isHeld(stream, pack)),
    streamsOf,
    gone({last}) {
      for (const claims of named.values()) claims.delete(last);
    },
  };
}

/** Says of the stream of an invocation whether that waits, runs or is a dead letter. */
export function workIn(db: DatabaseSync): (stream: string) => boolean {
  const find = db.prepare('SELECT 1 FROM work WHERE id = ?');
  return stream => find.get(stream.slice('invocation.'.length)) !== undefined;
}

/** The newest fact of a stream that was written ahead; undefined when it has none. @throws JournalDamaged */
export function newestListed(db: DatabaseSync, stream: string): Recorded | undefined {
  const row = db.prepare('SELECT * FROM pack WHERE last = (SELECT max(last) FROM stream WHERE name = ?)').get(stream);
  return row && [...readStream(row as unknown as Pack, lineHead(stream))].at(-1); // the table's columns
}

/**
The packs up to `until` that hold the newest fact of a schedule, and those that hold any fact of one. A busy schedule has
very many streams after some years, so only those up to `until` are read, and the first newer one ends the search.
*/
function schedulesIn(db: DatabaseSync, until: Position): {pinned: ReadonlySet<Position>; claimed: ReadonlySet<Position>} {
  const newest = new Map<string, {revision: number; last: number}>();
  const claimed = new Set<Position>();
  const old = db.prepare("SELECT name, last, revision FROM stream WHERE name >= 'schedule.' AND name < 'schedule/' AND last <= ?");
  for (const {name, last, revision} of old.iterate(until)) {
    claimed.add(Number(last));
    const schedule = scheduleOf(String(name));
    if (Number(revision) > (newest.get(schedule)?.revision ?? 0)) newest.set(schedule, {revision: Number(revision), last: Number(last)});
  }
  const newer = db.prepare('SELECT name FROM stream WHERE name >= ? AND name < ? AND last > ?');
  const pinned = new Set<Position>();
  for (const [schedule, {last}] of newest) {
    const names = newer.iterate(`${schedule}.`, `${schedule}/`, until); // in ASCII, `/` follows `.`
    if (!names.some(({name}) => scheduleOf(String(name)) === schedule)) pinned.add(last);
  }
  return {pinned, claimed};
}

/** The name of a schedule's stream without the occurrence. */
const scheduleOf = (stream: string) => stream.replace(/\.\d{4}-\d\d-\d\dT[^/]*$/, '');

/** The streams of the invocations that claims name, with the packs of these claims. Only few packs are asked about. */
function claimsBy(db: DatabaseSync, packs: readonly Position[]): ReadonlyMap<string, Set<Position>> {
  const named = new Map<string, Set<Position>>();
  const packAt = db.prepare('SELECT * FROM pack WHERE last = ?');
  for (const last of packs) {
    const pack = packAt.get(last) as Pack | undefined; // the table's columns
    for (const stream of invocationsClaimed(pack)) {
      named.set(stream, (named.get(stream) ?? new Set()).add(last));
    }
  }
  return named;
}

/** The invocations that the claims of a pack name. None for a pack that cannot be read: a reader of its schedule gets the error. */
function invocationsClaimed(pack: Pack | undefined): readonly string[] {
  try {
    const facts = pack ? [...readPack(pack, stream => stream.startsWith('schedule.'))] : [];
    return facts.flatMap(({fact}) => (fact.type === 'schedule.fired' ? [`invocation.${fact.data.invocationId}`] : []));
  } catch (error) {
    if (error instanceof JournalDamaged) return [];
    throw error;
  }
}
