/** Most items that are asked for at a time. */
const most = 10;

/** How an item stands is heard right behind its place in the order of its key. Finds those of which it was not, for a while. */
export class LatePlaces {
  #before = new Set<string>();

  /** @returns those that were among these the last time, too */
  among(places: Iterable<string>): string[] {
    const now = new Set(places);
    const late = [...now].filter(id => this.#before.has(id)).slice(0, most);
    this.#before = now;
    return late;
  }
}
