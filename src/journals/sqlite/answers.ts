import {JournalDamaged} from '../../journal.ts';
import {isCorrupt} from './errors.ts';
import type {FromWriter, Question, Reply} from './messages.ts';
import {openWhole} from './open.ts';
import {SqliteReader} from './reader.ts';
import {WorkReader} from './work-reader.ts';

/** Most log lines about damage: more say nothing new. */
const mostLogged = 100;

/** Answers questions about the journal, over a connection of its own that only reads. */
export class Answers {
  readonly #path: string;
  readonly #say: (message: FromWriter) => void;
  readonly #logged = new Set<string>();
  #open: {readonly reader: SqliteReader; readonly work: WorkReader; close(): void} | undefined;

  constructor(path: string, say: (message: FromWriter) => void) {
    this.#path = path;
    this.#say = say;
  }

  give(id: number, question: Question): void {
    try {
      this.#open ??= openReader(this.#path);
      this.#say({type: 'replied', id, reply: replyTo(question, this.#open)});
    } catch (error) {
      this.close();
      const damaged = error instanceof JournalDamaged || isCorrupt(error);
      const message = error instanceof Error ? error.message : String(error);
      if (damaged) this.#logDamaged(message);
      this.#say({type: 'unanswered', id, message, damaged});
    }
  }

  /** Closes the connection. The next question opens another. */
  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  /** Reports each damaged part once, as it may be read again and again. */
  #logDamaged(cause: string): void {
    if (this.#logged.has(cause) || this.#logged.size >= mostLogged) return;
    this.#logged.add(cause);
    this.#say({
      type: 'logged',
      level: 'error',
      message: 'A part of the journal that was read is damaged: `journal verify` lists all',
      cause,
    });
  }
}

function openReader(path: string) {
  const db = openWhole(path);
  return {reader: new SqliteReader(db), work: new WorkReader(db), close: () => db.close()};
}

function replyTo(question: Question, {reader, work}: {reader: SqliteReader; work: WorkReader}): Reply {
  if ('page' in question) return reader.page(question.page);
  if ('last' in question) return reader.last(question.last);
  if ('lasts' in question) return question.lasts.map(stream => reader.lastListed(stream));
  if ('before' in question) return reader.before(question.before);
  if ('item' in question) return work.find(question.item);
  if ('items' in question) return work.list(question.items);
  if ('due' in question) return work.nextDue();
  if ('census' in question) return work.census(question.census);
  return reader.payload(question.payload);
}
