import type {Clock} from '../../clock.ts';
import type {JournalReader, Position, Recorded} from '../../journal.ts';

/** Facts as text. */
export interface Page {
  readonly text: string;
  /** Go on after it. */
  readonly after: Position;
  /** There was no more when it was read. */
  readonly isLast: boolean;
}

export interface PageWish {
  readonly prefix: string;
  readonly after: Position;
  write(recorded: Recorded): string;
  /** Characters past which the page ends with the fact. */
  readonly most: number;
}

/** Facts of a page, and the pause after it: whoever reads all of a journal leaves time to those that are served meanwhile. */
export const mostFacts = 1000;
const pauseMs = 10;

/** Reads the journal for the private listener, one page after another, however many want one. */
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

  /** Any other work that reads much. Rejects without it when the caller is gone before its turn. */
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
