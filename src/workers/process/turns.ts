/** Does one piece of work after another: each begins when the one before it is over, well or badly. */
export class Turns {
  #newest: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#newest.then(work);
    this.#newest = done.catch(() => {});
    return done;
  }
}
