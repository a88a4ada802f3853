import type {DatabaseSync, StatementSync} from 'node:sqlite';
import {crc32} from 'node:zlib';
import {JournalDamaged, type Payload, type Position} from '../../journal.ts';
import type {Retention} from '../engine.ts';
import {unseenMs} from './clock.ts';
import {checkNewest, problemOfEnd, refuseEmptied} from './end.ts';
import {emptyLog} from './log.ts';
import {type Mark, MarkFile, readMark} from './mark.ts';
import type {Command, Outcome} from './messages.ts';
import {checksumOf, lineHead, type Pack, writeBody} from './pack.ts';
import {SqliteReader} from './reader.ts';
import {openWriting, raisePruned} from './schema.ts';
import {giveSome, shrinkOld, usedBytes, vacuum} from './size.ts';
import {type Swept, shred, sweep} from './sweep.ts';

/**
The database, as the writer uses it: the one connection that writes and checkpoints. After every error except a conflict it
must be closed and opened again, as nobody knows what a failed sync left on the disk.
*/
export class SqliteStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #mark: MarkFile;
  readonly #reader: SqliteReader;
  readonly #insertPack: StatementSync;
  readonly #insertStream: StatementSync;
  readonly #insertPayload: StatementSync;
  readonly #dataVersion: StatementSync;
  /** Counts the commits of other connections. */
  #version: unknown;
  #position: Position;
  #checksum: number;
  /** How many of the facts up to `from` the file does not have. */
  readonly missing: number;

  /**
  @param path of the database; `<path>.mark` stands beside it
  @param from position to go on from. No position is given twice, also if the file was replaced
  @param logBytes size of the write-ahead log past which it is written into the database
  @throws JournalDamaged when the file holds less than was written, or something else
  */
  constructor(path: string, {from = 0, logBytes = 2 ** 22}: {from?: Position; logBytes?: number} = {}) {
    refuseEmptied(path);
    this.#db = openWriting(path, logBytes);
    let newest: Mark | undefined;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)'); // a failed sync may have left something in the log only: it is written again
      this.#reader = new SqliteReader(this.#db);
      const pack = checkNewest(this.#db);
      newest = pack && {position: pack.last, checksum: pack.checksum};
      const position = newest?.position ?? 0;
      this.missing = Math.max(0, from - position);
      this.#position = position + this.missing;
      this.#checksum = newest?.checksum ?? 0;
      const problem = problemOfEnd(readMark(`${path}.mark`), this.#db);
      if (problem !== undefined) throw new JournalDamaged(problem);
      if (this.missing > 0) this.#db.prepare(raisePruned).run(from);
      shrinkOld(this.#db);
      this.#insertPack = this.#db.prepare('INSERT INTO pack VALUES(?, ?, ?, ?, ?, ?, ?, ?)');
      this.#insertStream = this.#db.prepare('INSERT INTO stream VALUES(?, ?, ?)');
      this.#insertPayload = this.#db.prepare('INSERT OR REPLACE INTO payload(name, at, checksum, bytes) VALUES(?, ?, ?, ?)');
      this.#dataVersion = this.#db.prepare('PRAGMA data_version');
      this.#version = this.#dataVersion.get()?.data_version;
    } catch (error) {
      this.#db.close();
      throw error;
    }
    this.#mark = new MarkFile(`${path}.mark`);
    if (newest) this.#mark.write(newest);
  }

  get position(): Position {
    return this.#position;
  }

  /**
  One transaction, one sync. A conflict is found before anything of its command is written, so it does not affect its neighbours.

  @throws Error of SQLite; then nothing may be acknowledged, and the store must be closed
  */
  commit(commands: readonly (Command | {readonly refused: string})[], now: number): Outcome[] {
    this.#db.exec('BEGIN IMMEDIATE');
    if (this.#dataVersion.get()?.data_version !== this.#version) throw new Error('Another program writes to the journal');
    const revisions = new Map<string, Position>();
    let text = '';
    let count = 0;
    let loose = 0;
    const outcomes = commands.map((command): Outcome => {
      if ('refused' in command) return command;
      const {stream, payloads = []} = command;
      if (stream === undefined) loose = 1;
      else if (command.expect !== undefined) {
        const actual = revisions.get(stream) ?? (this.#inText(text, stream) || this.#reader.revision(stream));
        if (actual !== command.expect) return {conflict: actual};
      }
      text += command.text;
      count += command.count;
      const position = this.#position + count;
      if (stream !== undefined) revisions.set(stream, position);
      for (const payload of payloads) this.#keep(payload, now);
      return {position};
    });
    const pack = count === 0 ? undefined : this.#write(text, {count, at: now, loose}, revisions);
    this.#db.exec('COMMIT');
    if (pack) {
      this.#position = pack.last;
      this.#checksum = pack.checksum;
      this.#mark.write({position: pack.last, checksum: pack.checksum});
    }
    return outcomes;
  }

  /** How much of the time up to now passed without a fact, as far as it matters. */
  unseenMs(now: number): number {
    return unseenMs(this.#db, now);
  }

  /** Removes a little of what is too old, or too much for the room. */
  sweep(retention: Retention, now: number, after: Position, needed = 0): Swept {
    return sweep(this.#db, retention, now, after, needed);
  }

  /** Size of the database without its free pages. */
  get bytes(): number {
    return usedBytes(this.#db);
  }

  /** Gives some free pages back to the disk. @returns whether there are more */
  vacuum(): boolean {
    return vacuum(this.#db);
  }

  /** @returns false when a reader holds it */
  emptyLog(): boolean {
    return emptyLog(this.#db);
  }

  /** Removes the oldest payloads and gives their room back to the disk, as far as no reader is in the way. @returns how many */
  giveBack(): number {
    this.#db.exec('BEGIN IMMEDIATE');
    const payloads = shred(this.#db, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.#db.exec('COMMIT');
    while (this.emptyLog() && giveSome(this.#db)); // in turn, as the log has little room, too
    return payloads;
  }

  /** Writes the log into the database, so that it is whole without its log, as far as no reader is in the way. */
  [Symbol.dispose](): void {
    this.#mark[Symbol.dispose]();
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK'); // a commit has failed
      this.emptyLog(); // SQLite does it only when the last connection is closed
    } finally {
      this.#db.close();
    }
  }

  /** Position of the stream's newest fact in this commit; 0 when it has none. */
  #inText(text: string, stream: string): Position {
    const at = text.lastIndexOf(`\n${lineHead(stream)}`) + 1;
    if (at === 0 && !text.startsWith(lineHead(stream))) return 0;
    return this.#position + text.slice(0, at).split('\n').length;
  }

  #write(text: string, head: Pick<Pack, 'count' | 'at' | 'loose'>, revisions: ReadonlyMap<string, Position>): Pack {
    const unsigned = {last: this.#position + head.count, ...head, before: this.#checksum, ...writeBody(text)};
    const pack = {...unsigned, checksum: checksumOf(unsigned)};
    const {last, count, at, loose, before, checksum, codec, body} = pack;
    this.#insertPack.run(last, count, at, loose, before, checksum, codec, body);
    for (const [stream, revision] of revisions) this.#insertStream.run(stream, last, revision);
    return pack;
  }

  #keep({name, bytes}: Payload, now: number): void {
    this.#insertPayload.run(name, now, crc32(bytes), bytes);
  }
}
