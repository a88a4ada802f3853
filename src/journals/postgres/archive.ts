import type {Clock} from '../../clock.ts';
import {type FollowOptions, JournalDamaged, type Position, type Recorded} from '../../journal.ts';
import type {UsedKey, WorkState} from '../../work.ts';
import type {JournalArchive, Tell, Verdict} from '../engine.ts';
import {Connection, type Row} from './connection.ts';
import {parsePlace} from './place.ts';
import {Reader, recordedOf} from './reader.ts';
import {Readers} from './readers.ts';
import {checkVersion} from './schema.ts';
import {WorkReader} from './work-reader.ts';

/** How often a follower looks for new facts. */
const pollMs = 200;
const pageFacts = 1000;

/** Reads a journal that cores may be writing. It changes nothing. For commands. */
export class PostgresArchive implements JournalArchive {
  readonly #schema: string;
  readonly #readers: Readers;
  readonly #reader: Reader;
  readonly #clock: Clock;

  /** @throws Error when it does not exist, or cannot be read; JournalDamaged when it is of another version */
  static async open(text: string, clock: Clock): Promise<PostgresArchive> {
    const place = parsePlace(text);
    if (!place) throw new TypeError(`Expected a place of PostgreSQL, got ${text}`);
    await using connection = await Connection.open(place.url, 'start', {clock});
    await checkVersion(connection, place.schema);
    return new PostgresArchive(place.url, place.schema, clock);
  }

  private constructor(url: string, schema: string, clock: Clock) {
    this.#schema = schema;
    this.#clock = clock;
    this.#readers = new Readers(url, clock, why => new Error(why));
    this.#reader = new Reader(schema, this.#readers.ask);
  }

  last(stream: string): Promise<Recorded | undefined> {
    return this.#reader.last(stream);
  }

  payload(name: string): Promise<Uint8Array | undefined> {
    return this.#reader.payload(name);
  }

  before(at: number): Promise<Position> {
    return this.#reader.before(at);
  }

  read(stream: string): AsyncIterable<Recorded> {
    return this.#reader.pages({stream}, 0);
  }

  scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    return this.#reader.pages({prefix}, after);
  }

  async *readable(tell: (problem: string) => void): AsyncIterable<Recorded> {
    for await (const row of this.#rows()) {
      const recorded = readRow(row, tell);
      if (recorded) yield recorded;
    }
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    for (let seen = after; !signal.aborted; ) {
      const {facts, next, until} = await this.#reader.page({of: {prefix}, after: seen});
      for (const recorded of facts) {
        yield recorded;
        if (signal.aborted) return;
      }
      seen = next ?? Math.max(seen, until);
      if (next === undefined && !(await this.#clock.sleep(pollMs, signal))) return;
    }
  }

  work(): AsyncIterable<WorkState> {
    return new WorkReader(this.#schema, this.#readers.ask).all();
  }

  keys(): AsyncIterable<UsedKey> {
    return new WorkReader(this.#schema, this.#readers.ask).keys(this.#clock.now());
  }

  /** Reads everything, and compares it with its checksums. */
  async verify(tell: Tell = () => {}): Promise<Verdict> {
    const problems: string[] = [];
    const [counts] = await this.#ask(
      'counts',
      `SELECT (SELECT count(*) FROM ${this.#schema}.fact) + (SELECT count(*) FROM ${this.#schema}.payload) AS total`,
      [],
    );
    const total = Number(counts?.total ?? 0);
    let [facts, first, last, payloads] = [0, 0, 0, 0];
    for await (const row of this.#rows()) {
      readRow(row, problem => problems.push(problem));
      facts++;
      first ||= Number(row.position);
      last = Number(row.position);
      if (facts % pageFacts === 0) tell(facts, total);
    }
    const newest = await this.#reader.position();
    if (last > newest) problems.push(`There are facts up to ${last}, and commits only up to ${newest}`);
    for await (const name of this.#payloadNames()) {
      await this.#reader.payload(name).catch(error => {
        if (!(error instanceof JournalDamaged)) throw error;
        problems.push(error.message);
      });
      payloads++;
      if (payloads % pageFacts === 0) tell(facts + payloads, total);
    }
    return {facts, first, last, payloads, problems};
  }

  async *#rows(): AsyncIterable<Row> {
    const text = `SELECT * FROM ${this.#schema}.fact WHERE position > $1 ORDER BY position LIMIT ${pageFacts}`;
    for (let after: unknown = 0; after !== undefined; ) {
      const rows = await this.#ask('rows', text, [after]);
      yield* rows;
      after = rows.at(-1)?.position;
    }
  }

  async *#payloadNames(): AsyncIterable<string> {
    const text = `SELECT name FROM ${this.#schema}.payload WHERE name > $1 ORDER BY name LIMIT ${pageFacts}`;
    for (let after: unknown = Buffer.alloc(0); after !== undefined; ) {
      const rows = await this.#ask('payloads', text, [after]);
      for (const {name} of rows) yield String(name);
      after = rows.at(-1)?.name;
    }
  }

  #ask = (name: string, text: string, values: readonly unknown[]) => this.#readers.ask({name, text}, values);

  [Symbol.dispose](): void {
    void this.#readers[Symbol.asyncDispose]();
  }
}

function readRow(row: Row, tell: (problem: string) => void): Recorded | undefined {
  try {
    return recordedOf(row);
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    tell(error.message);
    return undefined;
  }
}
