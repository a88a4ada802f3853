/** How many streams are remembered; one that is forgotten may be read as it was a moment ago. */
const most = 10_000;

/** What this core was told is kept: the newest message of each stream. A reader must not see less. */
export class Own {
  readonly #newest = new Map<string, number>();

  note(stream: string, sequence: number): void {
    const known = this.#newest.get(stream) ?? 0;
    this.#newest.delete(stream); // so that it is the newest
    this.#newest.set(stream, Math.max(known, sequence));
    if (this.#newest.size > most) this.#newest.delete(this.#newest.keys().next().value ?? '');
  }

  /** 0 for a stream that is not known. */
  of(stream: string): number {
    return this.#newest.get(stream) ?? 0;
  }
}
