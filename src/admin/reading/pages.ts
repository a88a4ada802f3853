import type {Clock} from '../../clock.ts';
import type {JournalReader, Position, Recorded} from '../../journal.ts';

/** Facts as text. */
export interface Page {
  readonly text: string;
  /** The next page begins after this position. */
  readonly after: Position;
  /** The journal had no more facts when the page was read. */
  readonly isLast: boolean;
}

export interface PageWish {
  readonly prefix: string;
  readonly after: Position;
  write(recorded: Recorded): string;
  /** The page ends with the fact that reaches this many characters. */
  readonly most: number;
}

/** Most facts of a page. A pause follows each page, so that a caller that reads a whole journal leaves time for others. */
const mostFacts = 1000;
const pauseMs = 10;

/** Reads the journal for the private listener, one page at a time, however many callers ask. */
export class Pages {
  readonly #journal: JournalReader;
  readonly #clock: Clock;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(journal: JournalReader, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** @param left aborted when the caller is gone */
  read({prefix, after, write, most}: PageWish, left: AbortSignal): Promise<Page> {
    return this.inTurn(async () => {
      let text = '';
      let last = after;
      let facts = 0;
      for await (const recorded of this.#journal.scan(prefix, {after})) {
        text += write(recorded);
        last = recorded.position;
        if (++facts === mostFacts || text.length >= most) return {text, after: last, isLast: false};
      }
      return {text, after: last, isLast: true};
    }, left);
  }

  /** Does other work that reads much, in turn with the pages. Rejects without doing it if the caller has left before its turn. */
  inTurn<T>(work: () => Promise<T>, left: AbortSignal): Promise<T> {
    const turn = this.#tail.then(() => left.throwIfAborted());
    const result = turn.then(work);
    const pause = () => this.#clock.sleep(pauseMs);
    this.#tail = turn.then(
      () => result.then(pause, pause),
      () => {}, // nothing was read
    );
    return result;
  }
}
