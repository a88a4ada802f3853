import type {ServerResponse} from 'node:http';
import type {Clock} from '../../clock.ts';
import type {JournalReader} from '../../journal.ts';
import type {Budget} from '../../limits/budget.ts';
import type {Meter} from '../../meter.ts';
import type {Reply} from '../../route.ts';
import {Feed, type Listening} from './feed.ts';
import {type Page, Pages, type PageWish} from './pages.ts';
import {charge, Readers} from './readers.ts';

export interface DeskHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly metrics: {readonly meter: Pick<Meter, 'readers' | 'readerRefused'>};
}

/**
Where the routes read the journal. Readers must not slow the calls of the function: only a few may read at a time, they read
one after another, and their answers are charged to the budget.
*/
export class JournalDesk {
  readonly #budget: Budget;
  readonly #readers: Readers;
  readonly #pages: Pages;
  readonly #feed: Feed;

  constructor({journal, clock, budget, metrics}: DeskHouse) {
    this.#budget = budget;
    this.#readers = new Readers(metrics.meter);
    this.#pages = new Pages(journal, clock);
    this.#feed = new Feed({journal, clock, budget, page: (wish, left) => this.#pages.read(wish, left)});
  }

  /** Answers with an object that is made from the journal. @throws Refusal TOO_MANY_READERS, Fault INFLIGHT_FULL */
  async answer(response: ServerResponse, work: () => Promise<object>): Promise<Reply> {
    const left = this.enter(response);
    return this.#charged({body: JSON.stringify(await this.#pages.inTurn(work, left))}, left);
  }

  /** Reads bytes, and charges them until the answer has left. @throws Refusal TOO_MANY_READERS, Fault INFLIGHT_FULL */
  async bytes(response: ServerResponse, work: () => Promise<Buffer>): Promise<Buffer> {
    const left = this.enter(response);
    const bytes = await this.#pages.inTurn(work, left);
    charge(bytes, this.#budget, left);
    return bytes;
  }

  /** Answers with a page of facts. @throws Fault INFLIGHT_FULL */
  async answerPage(wish: PageWish, type: string, left: AbortSignal): Promise<Reply> {
    const {text}: Page = await this.#pages.read(wish, left);
    return this.#charged({type, body: text}, left);
  }

  /** Takes a reader's place until the answer has left. @returns aborted then @throws Refusal TOO_MANY_READERS */
  enter(response: ServerResponse): AbortSignal {
    return this.#readers.enter(response);
  }

  /** Begins to listen for new facts. */
  join(): Promise<Listening> {
    return this.#feed.join();
  }

  #charged<R extends Reply & {readonly body: string}>(reply: R, left: AbortSignal): R {
    charge(reply.body, this.#budget, left);
    return reply;
  }
}
