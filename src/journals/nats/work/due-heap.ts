interface Entry {
  readonly due: number;
  readonly id: string;
}

/** Ids by the time at which they are due, the longest due first, then by their order. An entry that is outdated stays until it is taken. */
export class DueHeap {
  readonly #entries: Entry[] = [];

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  get size(): number {
    return this.#entries.length;
  }

  add(due: number, id: string): void {
    const entries = this.#entries;
    let at = entries.push({due, id}) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  take(): Entry | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (first === undefined || last === undefined || this.#entries.length === 0) return first;
    this.#entries[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(least, at)) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(at: number, other: number): boolean {
    const [one, two] = [this.#entries[at], this.#entries[other]];
    if (!one || !two) return one !== undefined;
    return one.due < two.due || (one.due === two.due && one.id < two.id);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#entries[one], this.#entries[other]];
    if (a && b) [this.#entries[one], this.#entries[other]] = [b, a];
  }
}
