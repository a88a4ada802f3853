import type {Worker} from 'node:worker_threads';
import {Fault} from '../../errors.ts';
import {JournalDamaged} from '../../journal.ts';
import {JournalRefused} from '../engine.ts';
import type {FromWriter, Opening, Question, Reply, ReplyTo, ToWriter} from './messages.ts';
import {takeWorker} from './worker.ts';

/** Messages of the writer that are not answers. */
export interface ThreadEvents {
  committed(message: Extract<FromWriter, {type: 'committed'}>): void;
  logged(message: Extract<FromWriter, {type: 'logged'}>): void;
  looked(): void;
  state(message: Extract<FromWriter, {type: 'state'}>): void;
  shed(message: Extract<FromWriter, {type: 'shed'}>): void;
  shredded(message: Extract<FromWriter, {type: 'shredded'}>): void;
  /** The thread has ended. */
  ended(error: Error): void;
}

/** The writer's thread, as the core's thread uses it. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #asked = new Map<number, {resolve: (reply: Reply) => void; reject: (error: Error) => void}>();
  #nextQuestion = 1;
  #isDead = false;

  /** @param opening what it is to write. Nothing else is posted before it is `opened` */
  constructor(opening: Omit<Opening, 'type'>, events: ThreadEvents) {
    this.#events = events;
    this.#worker = takeWorker();
    this.#worker.on('message', (message: FromWriter) => this.#hear(message));
    this.#worker.on('error', error => this.#ended(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.#ended(new Error('the thread that writes it has ended')));
    this.post({type: 'open', ...opening});
  }

  /** @throws JournalRefused */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when everything is written, or nothing more can be. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  post(message: ToWriter): void {
    if (!this.#isDead) this.#worker.postMessage(message);
  }

  ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>> {
    if (this.#isDead) return Promise.reject(failed('it is closed'));
    const id = this.#nextQuestion++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, {resolve: reply => resolve(reply as ReplyTo<Q>), reject}); // the writer answers what was asked
      this.post({type: 'question', id, question});
    });
  }

  /** Ends the thread without a wait, as it may hang in the disk. */
  abandon(): void {
    void this.#worker.terminate();
    this.#closed.resolve();
  }

  #hear(message: FromWriter): void {
    switch (message.type) {
      case 'opened':
        this.#opened.resolve();
        break;
      case 'refused':
        this.#opened.reject(new JournalRefused(message.reason, message.message));
        break;
      case 'replied':
        this.#asked.get(message.id)?.resolve(message.reply);
        this.#asked.delete(message.id);
        break;
      case 'unanswered':
        this.#asked.get(message.id)?.reject(message.damaged ? new JournalDamaged(message.message) : failed(message.message));
        this.#asked.delete(message.id);
        break;
      case 'closed':
        this.#closed.resolve();
        break;
      case 'committed':
        this.#events.committed(message);
        break;
      case 'logged':
        this.#events.logged(message);
        break;
      case 'looked':
        this.#events.looked();
        break;
      case 'state':
        this.#events.state(message);
        break;
      case 'shed':
        this.#events.shed(message);
        break;
      case 'shredded':
        this.#events.shredded(message);
    }
  }

  #ended(error: Error): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#opened.reject(new JournalRefused('unwritable', error.message));
    this.#closed.resolve();
    for (const {reject} of this.#asked.values()) reject(failed(error.message));
    this.#asked.clear();
    this.#events.ended(error);
  }
}

export const failed = (why: string) => new Fault('JOURNAL_FAILED', {cause: new Error(why), retryAfterS: 1});
