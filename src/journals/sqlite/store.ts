import type {DatabaseSync, StatementSync} from 'node:sqlite';
import {crc32} from 'node:zlib';
import {JournalDamaged, type Payload, type Position} from '../../journal.ts';
import type {Retention} from '../engine.ts';
import {unseenMs} from './clock.ts';
import {checkNewest, problemOfEnd, refuseEmptied} from './end.ts';
import {HeldClaims} from './held-claims.ts';
import {writeLine} from './line.ts';
import {Lines} from './lines.ts';
import {emptyLog} from './log.ts';
import {type Mark, MarkFile, readMark} from './mark.ts';
import type {Append, Command, Outcome, Part} from './messages.ts';
import {checksumOf, type Pack, writeBody} from './pack.ts';
import {SqliteReader} from './reader.ts';
import {openWriting, raisePruned} from './schema.ts';
import {shredOldest} from './shred.ts';
import {giveSome, shrinkOld, usedBytes, vacuum} from './size.ts';
import {Searches, type Swept, sweep} from './sweep.ts';
import {loseRunning, loseUnheard} from './work-lost.ts';
import {WorkTable} from './work-table.ts';

/**
The database, as the writer uses it: the one connection that writes and checkpoints. After every error except a conflict it
must be closed and opened again, as nobody knows what a failed sync left on the disk.
*/
export class SqliteStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #mark: MarkFile;
  readonly #reader: SqliteReader;
  readonly #work: WorkTable;
  readonly #held: HeldClaims;
  readonly #searches = new Searches();
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
  @param held the claims that this process knows of
  @param logBytes size of the write-ahead log past which it is written into the database
  @throws JournalDamaged when the file holds less than was written, or something else
  */
  constructor(
    path: string,
    {from = 0, held = new HeldClaims(), logBytes = 2 ** 22}: {from?: Position; held?: HeldClaims; logBytes?: number} = {},
  ) {
    refuseEmptied(path);
    this.#held = held;
    this.#db = openWriting(path, logBytes);
    let newest: Mark | undefined;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)'); // a failed sync may have left something in the log only: it is written again
      this.#reader = new SqliteReader(this.#db);
      this.#work = new WorkTable(this.#db, held);
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
    const lines = new Lines();
    let count = 0;
    let loose = 0;
    const outcomes = commands.map((command): Outcome => {
      if ('refused' in command) return command;
      const {stream, payloads = []} = command;
      const parts = stream === undefined ? [] : partsOf(command);
      if (stream === undefined) loose = 1;
      for (const {stream, expect} of parts) {
        if (expect === undefined) continue;
        const actual = revisions.get(stream) ?? (lines.newest(stream, this.#position) || this.#reader.revision(stream));
        if (actual !== expect) return {conflict: actual, stream};
      }
      const change = stream === undefined ? undefined : command.work;
      const applied = change && this.#work.apply(change, now);
      if (applied && 'refusal' in applied) return applied.refusal;
      if (command.count > 0) lines.add(stream === undefined ? command.lines : command.text);
      if (command.count > 0) for (const {stream, last} of parts) revisions.set(stream, this.#position + count + last);
      count += command.count;
      const position = this.#position + count;
      for (const payload of payloads) this.#keep(payload, now);
      if (!applied) return {position};
      for (const {stream, fact} of applied.facts) {
        lines.add(writeLine(stream, now, fact));
        revisions.set(stream, this.#position + ++count);
      }
      return {position: this.#position + count, ...(applied.claimed && {claimed: applied.claimed}), ...(applied.was && {was: applied.was})};
    });
    const pack = count === 0 ? undefined : this.#write(lines, {count, at: now, loose}, revisions);
    this.#db.exec('COMMIT');
    if (pack) {
      this.#position = pack.last;
      this.#checksum = pack.checksum;
      this.#mark.write({position: pack.last, checksum: pack.checksum});
    }
    this.#held.kept();
    return outcomes;
  }

  /** Makes work due that nobody runs: at the start of a core all that ran, after an error what nobody was told of. */
  loseWork(which: 'running' | 'unheard'): void {
    if (which === 'running') loseRunning(this.#db);
    else loseUnheard(this.#db, this.#held);
  }

  /** How much of the time up to now passed without a fact, as far as it matters. */
  unseenMs = (now: number): number => unseenMs(this.#db, now);

  /** Removes a little of what is too old, or too much for the room. */
  sweep(retention: Retention, now: number, after: Position, needed = 0): Swept {
    return sweep(this.#db, retention, {now, after, needed, searches: this.#searches});
  }

  /** Size of the database without its free pages. */
  get bytes(): number {
    return usedBytes(this.#db);
  }

  /** Gives some free pages back to the disk. @returns whether there are more */
  vacuum = (): boolean => vacuum(this.#db);

  /** @returns false when a reader holds it */
  emptyLog = (): boolean => emptyLog(this.#db);

  /** Removes the oldest payloads and gives their room back to the disk, as far as no reader is in the way. @returns how many */
  giveBack(): number {
    this.#db.exec('BEGIN IMMEDIATE');
    const payloads = shredOldest(this.#db, this.#searches.any);
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

  #write(lines: Lines, head: Pick<Pack, 'count' | 'at' | 'loose'>, revisions: ReadonlyMap<string, Position>): Pack {
    const unsigned = {last: this.#position + head.count, ...head, before: this.#checksum, ...writeBody(lines)};
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

const partsOf = ({stream, count, expect, parts}: Append): readonly Part[] => parts ?? [{stream, last: count, expect}];
