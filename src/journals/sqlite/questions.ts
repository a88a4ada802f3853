import {atTurnEnd} from '../../clock.ts';
import type {Question, ReplyTo} from './messages.ts';
import type {WriterThread} from './thread.ts';

/**
Asks the writer at the end of the turn, after everything that was handed over before was sent, so that the answers include it.
What is asked in one turn needs one sending; with one for each question, each would be a commit of its own.
*/
export class Questions {
  readonly #flush: () => void;
  readonly #thread: Pick<WriterThread, 'ask'>;
  #waiting: (() => void)[] = [];

  /** @param flush sends what was handed over */
  constructor(flush: () => void, thread: Pick<WriterThread, 'ask'>) {
    this.#flush = flush;
    this.#thread = thread;
  }

  ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>> {
    if (this.#waiting.length === 0) atTurnEnd(() => this.send());
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => this.#thread.ask(question).then(resolve, reject));
    });
  }

  /** Asks what waits, now. */
  send(): void {
    this.#flush();
    for (const ask of this.#waiting.splice(0)) ask();
  }
}
