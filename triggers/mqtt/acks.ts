/** Sends acknowledgements in the order in which the messages were received, as the protocol wants it, whichever is done first. */
export class Acks {
  readonly #open: {isDone: boolean; readonly send: () => void}[] = [];

  /** @returns call it when the message is done */
  add(send: () => void): () => void {
    const mine = {isDone: false, send};
    this.#open.push(mine);
    return () => {
      mine.isDone = true;
      while (this.#open[0]?.isDone) this.#open.shift()?.send();
    };
  }
}
