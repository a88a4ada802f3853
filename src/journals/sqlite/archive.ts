import {existsSync} from 'node:fs';
import type {DatabaseSync} from 'node:sqlite';
import type {Clock} from '../../clock.ts';
import type {FollowOptions, Position, Recorded} from '../../journal.ts';
import type {UsedKey, WorkState} from '../../work.ts';
import type {JournalArchive} from '../engine.ts';
import {fileItself} from './file.ts';
import {openWhole} from './open.ts';
import {SqliteReader} from './reader.ts';
import {WorkReader} from './work-reader.ts';

/** How often a follower looks for new facts. */
const pollMs = 200;

/** Reads a journal that another process may be writing. Needs no lock and changes nothing. For commands. */
export class SqliteArchive implements JournalArchive {
  readonly #db: DatabaseSync;
  readonly #reader: SqliteReader;
  readonly #clock: Clock;

  /** @throws Error when there is no such file; JournalDamaged when it holds less than was written, or something else */
  constructor(path: string, clock: Clock) {
    if (!existsSync(path)) throw new Error('there is no such file');
    this.#db = openWhole(fileItself(path));
    this.#reader = new SqliteReader(this.#db);
    this.#clock = clock;
  }

  async last(stream: string): Promise<Recorded | undefined> {
    return this.#reader.last(stream);
  }

  async payload(name: string): Promise<Uint8Array | undefined> {
    return this.#reader.payload(name);
  }

  async before(at: number): Promise<Position> {
    return this.#reader.before(at);
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    yield* this.#pages({stream}, 0);
  }

  async *scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    yield* this.#pages({prefix}, after);
  }

  async *readable(tell: (problem: string) => void): AsyncIterable<Recorded> {
    yield* this.#reader.readable(tell);
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    for (let seen = after; !signal.aborted; ) {
      const {facts, next, until} = this.#reader.page({of: {prefix}, after: seen});
      for (const recorded of facts) {
        yield recorded;
        if (signal.aborted) return;
      }
      seen = next ?? Math.max(seen, until);
      if (next === undefined && !(await this.#clock.sleep(pollMs, signal))) return;
    }
  }

  async *work(): AsyncIterable<WorkState> {
    yield* new WorkReader(this.#db).all();
  }

  async *keys(): AsyncIterable<UsedKey> {
    yield* new WorkReader(this.#db).keys(this.#clock.now());
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  *#pages(of: {stream: string} | {prefix: string}, start: Position): Generator<Recorded> {
    let until: Position | undefined;
    for (let after: Position | undefined = start; after !== undefined; ) {
      const page = this.#reader.page({of, after, until});
      yield* page.facts;
      after = page.next;
      until = page.until;
    }
  }
}
