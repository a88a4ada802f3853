import {atTurnEnd} from '../../clock.ts';
import type {LastOptions, Recorded} from '../../journal.ts';
import type {Question, ReplyTo} from './messages.ts';
import type {Outbox} from './outbox.ts';
import type {WriterThread} from './thread.ts';

interface Asked {
  readonly stream: string;
  readonly answer: PromiseWithResolvers<Recorded | undefined>;
}

/**
Asks the writer at the end of the turn, after everything that was handed over before was sent, so that the answers include it.
What is asked in one turn needs one sending; with one for each question, each would be a commit of its own.
*/
export class Questions {
  readonly #outbox: () => Pick<Outbox, 'flush' | 'mayHold'>;
  readonly #thread: Pick<WriterThread, 'ask'>;
  #waiting: (() => void)[] = [];
  /** They are one question: a message to the writer's thread costs more than the search. */
  #lasts: Asked[] = [];

  constructor(outbox: () => Pick<Outbox, 'flush' | 'mayHold'>, thread: Pick<WriterThread, 'ask'>) {
    this.#outbox = outbox;
    this.#thread = thread;
  }

  ask<Q extends Question>(question: Q): Promise<ReplyTo<Q>> {
    this.#sendLater();
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => this.#thread.ask(question).then(resolve, reject));
    });
  }

  /** The newest fact of a stream. */
  last(stream: string, {isAppended}: LastOptions): Promise<Recorded | undefined> {
    if (!isAppended) return this.ask({last: stream});
    this.#sendLater();
    const answer = Promise.withResolvers<Recorded | undefined>();
    this.#lasts.push({stream, answer});
    return answer.promise;
  }

  /** Asks what waits, now. */
  send(): void {
    const [waiting, lasts] = [this.#waiting, this.#lasts];
    [this.#waiting, this.#lasts] = [[], []];
    const outbox = this.#outbox();
    if (lasts.length === 0 || waiting.length > 0 || lasts.some(({stream}) => outbox.mayHold(stream))) outbox.flush();
    for (const ask of waiting) ask();
    if (lasts.length > 0) void this.#askLasts(lasts);
  }

  async #askLasts(asked: readonly Asked[]): Promise<void> {
    try {
      const replies = await this.#thread.ask({lasts: asked.map(({stream}) => stream)});
      for (const [index, {answer}] of asked.entries()) answer.resolve(replies[index]);
    } catch {
      // One that cannot be read must not hold back the others.
      for (const {stream, answer} of asked) this.#thread.ask({last: stream}).then(answer.resolve, answer.reject);
    }
  }

  #sendLater(): void {
    if (this.#waiting.length === 0 && this.#lasts.length === 0) atTurnEnd(() => this.send());
  }
}
