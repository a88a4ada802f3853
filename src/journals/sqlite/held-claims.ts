/** The claims that this process was told of. They outlast a file that is closed after an error and opened again. */
export class HeldClaims {
  /** Epochs by item. */
  readonly #epochs = new Map<string, number>();
  #changes: (() => void)[] = [];

  holds(id: string, epoch: number): boolean {
    return this.#epochs.get(id) === epoch;
  }

  /** Takes effect once it is known to be kept. */
  begin(id: string, epoch: number): void {
    this.#changes.push(() => this.#epochs.set(id, epoch));
  }

  /** As above. */
  end(id: string, epoch: number): void {
    this.#changes.push(() => this.holds(id, epoch) && this.#epochs.delete(id));
  }

  /** The commit was kept. */
  kept(): void {
    for (const change of this.#changes) change();
    this.#changes = [];
  }

  /** The commit failed, as far as anybody knows: whoever asked for it was told so. */
  failed(): void {
    this.#changes = [];
  }
}
