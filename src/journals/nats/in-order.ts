import type {Clock} from '../../clock.ts';
import type {StreamAppend} from '../../journal.ts';

/** An append waits for those before it for as long as one of them is tried, and no longer. */
const longestMs = 15_000;

/**
What this core appends to one stream is kept in the order in which it was handed over, awaited or not. By themselves appends
overtake one another: those of several messages have turns of their own, and what was lost on its way is sent again later. One
that names the revision that it follows has its order from that, and waits for none.
*/
export class InOrder {
  readonly #clock: Pick<Clock, 'after'>;
  /** By stream: resolves when it is known what became of all that was handed over so far. */
  readonly #before = new Map<string, Promise<unknown>>();

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  run<T>(appends: readonly Pick<StreamAppend, 'stream' | 'expect'>[], act: () => Promise<T>): Promise<T> {
    const before = appends.flatMap(({stream, expect}) => (expect === undefined ? (this.#before.get(stream) ?? []) : []));
    const acting = before.length > 0 ? this.#after(before).then(act) : act();
    for (const {stream} of appends) this.#note(stream, acting);
    return acting;
  }

  #note(stream: string, acting: Promise<unknown>): void {
    const all = Promise.allSettled([this.#before.get(stream), acting]);
    this.#before.set(stream, all);
    void all.then(() => {
      if (this.#before.get(stream) === all) this.#before.delete(stream);
    });
  }

  async #after(before: readonly Promise<unknown>[]): Promise<void> {
    const late = Promise.withResolvers<void>();
    const stopTimer = this.#clock.after(longestMs, () => late.resolve());
    await Promise.race([Promise.all(before), late.promise]);
    stopTimer();
  }
}
