import type {DatabaseSync, StatementSync} from 'node:sqlite';
import {crc32} from 'node:zlib';
import {isLast} from '../../facts.ts';
import {JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import {lineHead} from './line.ts';
import type {Page, Query} from './messages.ts';
import {type Pack, readPack, readStream, textOf} from './pack.ts';

/** How many facts a page has, roughly, as packs are not divided. */
const pageFacts = 1000;
/** Streams whose names start like this may have facts that are not listed. */
const looseName = 'invocation.';

/** Reads facts and payloads from an open database. */
export class SqliteReader {
  readonly #packs: StatementSync;
  readonly #listed: StatementSync;
  readonly #listedPacks: StatementSync;
  readonly #newestListed: StatementSync;
  readonly #pack: StatementSync;
  readonly #loose: StatementSync;
  readonly #since: StatementSync;
  readonly #near: StatementSync;
  readonly #next: StatementSync;
  readonly #position: StatementSync;
  readonly #payload: StatementSync;

  constructor(db: DatabaseSync) {
    this.#packs = db.prepare('SELECT * FROM pack WHERE last > ? ORDER BY last');
    this.#pack = db.prepare('SELECT * FROM pack WHERE last = ?');
    this.#listed = db.prepare('SELECT last FROM stream WHERE name = ? AND last > ? ORDER BY last');
    this.#listedPacks = db.prepare('SELECT DISTINCT last FROM stream WHERE name >= ? AND name < ? AND last > ? ORDER BY last');
    this.#newestListed = db.prepare('SELECT last, revision FROM stream WHERE name = ? ORDER BY last DESC LIMIT 1');
    this.#loose = db.prepare('SELECT * FROM pack WHERE last > ? AND loose = 1 ORDER BY last');
    this.#since = db.prepare('SELECT min(last - count) AS first FROM pack WHERE at >= ?');
    this.#near = db.prepare('SELECT last - count AS first FROM pack WHERE at >= ? ORDER BY at, last LIMIT 1');
    this.#next = db.prepare('SELECT * FROM pack WHERE last > ? AND last <= ? ORDER BY last LIMIT 1');
    this.#position = db.prepare('SELECT max(last) AS position FROM pack');
    this.#payload = db.prepare('SELECT checksum, bytes FROM payload WHERE name = ?');
  }

  position(): Position {
    return Number(this.#position.get()?.position ?? 0);
  }

  /** The position before the first commit of that time or later. Times may go back between commits, after an import or when a clock was set. */
  before(at: number): Position {
    const first = this.#since.get(at)?.first;
    return first === null || first === undefined ? this.position() : Number(first);
  }

  /** Every fact so far that can be read. Calls `tell` with a sentence about each pack that cannot. */
  *readable(tell: (problem: string) => void): Generator<Recorded> {
    const until = this.position();
    for (let pack = this.#after(0, until); pack; pack = this.#after(pack.last, until)) {
      try {
        yield* readPack(pack);
      } catch (error) {
        if (!(error instanceof JournalDamaged)) throw error;
        tell(error.message);
      }
    }
  }

  #after(last: Position, until: Position): Pack | undefined {
    return this.#next.get(last, until) as Pack | undefined; // the columns of the table, in strict types
  }

  /** Position of the newest fact of a stream; 0 when it does not exist. */
  revision(stream: string): Position {
    const listed = Number(this.#newestListed.get(stream)?.revision ?? 0);
    if (!stream.startsWith(looseName)) return listed;
    return Math.max(listed, this.#looseFacts(stream).at(-1)?.position ?? 0);
  }

  /** Without facts that were only recorded. */
  lastListed(stream: string): Recorded | undefined {
    const newest = this.#newestListed.get(stream);
    return newest && [...readStream(this.#packAt(Number(newest.last)), lineHead(stream))].at(-1);
  }

  last(stream: string): Recorded | undefined {
    const listed = this.lastListed(stream);
    if (listed && isLast(listed.fact.type)) return listed; // nothing comes after it, and a search would read the whole journal
    const loose = stream.startsWith(looseName) ? this.#looseFacts(stream).at(-1) : undefined;
    if (!listed || !loose) return listed ?? loose;
    return listed.position > loose.position ? listed : loose;
  }

  page({of, after, until = this.position()}: Query): Page {
    const facts: Recorded[] = [];
    const take = (found: Iterable<Recorded>) => {
      for (const recorded of found) if (recorded.position > after && recorded.position <= until) facts.push(recorded);
    };
    if ('stream' in of) {
      const head = lineHead(of.stream);
      for (const {last} of this.#listed.iterate(of.stream, after)) {
        take(readStream(this.#packAt(Number(last)), head));
        if (facts.length >= pageFacts) return {facts, next: Number(last), until};
      }
      if (of.stream.startsWith(looseName)) merge(facts, this.#looseFacts(of.stream), after, until);
      return {facts, next: undefined, until};
    }
    const {prefix} = of;
    const wants = (stream: string) => stream.startsWith(prefix);
    for (const pack of this.#packsOf(prefix, after)) {
      take(readPack(pack, wants));
      if (pack.last >= until) break;
      if (facts.length >= pageFacts) return {facts, next: pack.last, until};
    }
    return {facts, next: undefined, until};
  }

  /** @throws JournalDamaged */
  payload(name: string): Uint8Array | undefined {
    const row = this.#payload.get(name);
    if (!row) return undefined;
    const bytes = row.bytes as Uint8Array; // the column is a strict BLOB
    if (crc32(bytes) !== row.checksum) throw new JournalDamaged(`The payload ${name} is not what was written`);
    return bytes;
  }

  *#packsOf(prefix: string, after: Position): Generator<Pack> {
    // Facts of invocations may be loose; all others are in the list.
    if (looseName.startsWith(prefix) || prefix.startsWith(looseName)) {
      yield* this.#packs.iterate(after) as Iterable<unknown> as Iterable<Pack>; // the columns of the table, in strict types
      return;
    }
    for (const {last} of this.#listedPacks.iterate(prefix, `${prefix}\u{10ffff}`, after)) yield this.#packAt(Number(last));
  }

  #packAt(last: Position): Pack {
    const row = this.#pack.get(last);
    if (!row) throw new JournalDamaged(`The facts up to ${last} are listed, but missing`);
    return row as unknown as Pack; // the columns of the table, in strict types
  }

  /** Searches from the time in the id on, then before it, as the clock may have been set back between id and commit. */
  #looseFacts(stream: string): Recorded[] {
    const madeAt = timeInId(stream);
    if (madeAt === undefined) return this.#searchLoose(stream, 0);
    const first = this.#near.get(madeAt)?.first;
    if (first === null || first === undefined) return this.#searchLoose(stream, 0);
    const near = this.#searchLoose(stream, Number(first));
    return near.length > 0 ? near : this.#searchLoose(stream, 0, Number(first) + 1);
  }

  #searchLoose(stream: string, after: Position, until = Number.POSITIVE_INFINITY): Recorded[] {
    const head = lineHead(stream);
    const found: Recorded[] = [];
    for (const row of this.#loose.iterate(after)) {
      const pack = row as unknown as Pack; // as above
      if (pack.last >= until) break;
      const text = textOf(pack);
      if (!text.includes(head)) continue;
      found.push(...readStream(pack, head, text));
      if (found.some(({fact}) => isLast(fact.type))) break;
    }
    return found;
  }
}

/** The milliseconds of an RFC 9562 UUID version 7 at the end of the name. */
function timeInId(stream: string): number | undefined {
  const [, high, low] = /\.([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(stream) ?? [];
  return high === undefined || low === undefined ? undefined : Number.parseInt(high + low, 16);
}

/** Adds the facts that a page does not have yet, as a pack that is listed may also have loose facts. */
function merge(facts: Recorded[], more: readonly Recorded[], after: Position, until: Position): void {
  const known = new Set(facts.map(({position}) => position));
  for (const recorded of more) {
    if (!known.has(recorded.position) && recorded.position > after && recorded.position <= until) facts.push(recorded);
  }
  facts.sort((a, b) => a.position - b.position);
}
