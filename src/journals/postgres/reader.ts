import {crc32} from 'node:zlib';
import type {Fact} from '../../facts.ts';
import {JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import type {Row, Statement} from './connection.ts';

/** How many facts a page has. */
const pageFacts = 1000;
/** Most facts are of streams that begin so: those of a prefix that has them are read in the order of positions. */
const mostOf = 'invocation.';

export interface Page {
  readonly facts: readonly Recorded[];
  /** Where the next page starts; undefined after the last page. */
  readonly next: Position | undefined;
  readonly until: Position;
}

export interface Query {
  /** One stream, or all streams whose names start with the prefix. */
  readonly of: {readonly stream: string} | {readonly prefix: string};
  readonly after: Position;
  /** The last position; undefined for the newest one. */
  readonly until?: Position | undefined;
}

/** Asks a statement over some connection. */
export type Ask = (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Reads facts and payloads. */
export class Reader {
  readonly #ask: Ask;
  readonly #schema: string;

  constructor(schema: string, ask: Ask) {
    this.#schema = schema;
    this.#ask = ask;
  }

  async position(): Promise<Position> {
    const text = `SELECT last FROM ${this.#schema}.append ORDER BY number DESC LIMIT 1`;
    const [row] = await this.#ask({name: 'position', text}, []);
    return Number(row?.last ?? 0);
  }

  async last(stream: string): Promise<Recorded | undefined> {
    const text = `SELECT * FROM ${this.#schema}.fact WHERE stream = $1 ORDER BY stream DESC, position DESC LIMIT 1`;
    const [row] = await this.#ask({name: 'last', text}, [Buffer.from(stream)]);
    return row && recordedOf(row);
  }

  async page({of, after, until}: Query): Promise<Page> {
    const end = until ?? (await this.position());
    const rows = await this.#ask(...this.#pageOf(of, after, end));
    const facts = rows.map(recordedOf);
    return {facts, next: facts.length < pageFacts ? undefined : facts.at(-1)?.position, until: end};
  }

  async *pages(of: Query['of'], start: Position): AsyncIterable<Recorded> {
    let until: Position | undefined;
    for (let after: Position | undefined = start; after !== undefined; ) {
      const page: Page = await this.page({of, after, until});
      yield* page.facts;
      after = page.next;
      until = page.until;
    }
  }

  #pageOf(of: Query['of'], after: Position, until: Position): [Statement, unknown[]] {
    const from = `FROM ${this.#schema}.fact WHERE`;
    const range = 'position > $1 AND position <= $2';
    if ('stream' in of) {
      const text = `SELECT * ${from} ${range} AND stream = $3 ORDER BY stream, position LIMIT ${pageFacts}`;
      return [{name: 'page-of-stream', text}, [after, until, Buffer.from(of.stream)]];
    }
    const {prefix} = of;
    if (prefix === '') return [{name: 'page', text: `SELECT * ${from} ${range} ORDER BY position LIMIT ${pageFacts}`}, [after, until]];
    const values = [after, until, ...rangeOf(prefix)];
    const isMost = mostOf.startsWith(prefix) || prefix.startsWith(mostOf);
    const some = `${range} AND stream >= $3 AND stream < $4`;
    if (isMost) return [{name: 'page-of-most', text: `SELECT * ${from} ${some} ORDER BY position LIMIT ${pageFacts}`}, values];
    const found = `WITH found AS MATERIALIZED (SELECT position ${from} ${some})`;
    const text = `${found} SELECT f.* FROM ${this.#schema}.fact f JOIN found USING (position) ORDER BY f.position LIMIT ${pageFacts}`;
    return [{name: 'page-of-few', text}, values];
  }

  /** @throws JournalDamaged */
  async payload(name: string): Promise<Uint8Array | undefined> {
    const text = `SELECT checksum, bytes FROM ${this.#schema}.payload WHERE name = $1`;
    const [row] = await this.#ask({name: 'payload', text}, [Buffer.from(name)]);
    if (!row) return undefined;
    const bytes = row.bytes as Buffer; // the column is bytea
    if (crc32(bytes) !== row.checksum) throw new JournalDamaged(`The payload ${name} is not what was written`);
    return new Uint8Array(bytes);
  }

  /** By the clock of the server, as those of cores may differ: some seconds early. */
  async before(at: number): Promise<Position> {
    const [row] = await this.#ask({name: 'before', text: `SELECT ${this.#schema}.before_1($1) AS position`}, [at - clockSkewMs]);
    return Number(row?.position ?? 0);
  }
}

/** The clocks of cores may be ahead of the server's by as much as this. */
const clockSkewMs = 60_000;

/** @throws JournalDamaged */
export function recordedOf(row: Row): Recorded {
  const {position, stored, at, checksum, stream, body} = row as unknown as FactRow; // the columns of the table
  if (crc32(body, crc32(stream)) !== checksum) throw new JournalDamaged(`The fact ${position} is not what was written`);
  return {stream: stream.toString(), position, at, storedAt: stored, fact: JSON.parse(body.toString()) as Fact};
}

interface FactRow {
  readonly position: Position;
  readonly stored: number;
  readonly at: number;
  readonly checksum: number;
  readonly stream: Buffer;
  readonly body: Buffer;
}

/** The names that start with a prefix are those from the first of two names on, up to before the second, byte by byte. */
function rangeOf(prefix: string): [Buffer, Buffer] {
  const from = Buffer.from(prefix);
  const until = Buffer.from(prefix);
  until[until.length - 1] = (until.at(-1) ?? 0) + 1; // no byte of UTF-8 is 255
  return [from, until];
}
