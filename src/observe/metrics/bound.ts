/** The child of a metric with this label. To look labels up costs more than to count, so each child is bound once. */
export function bound<Label, Child>(known: Map<Label, Child>, label: Label, bind: (label: Label) => Child): Child {
  let child = known.get(label);
  if (child === undefined) {
    child = bind(label);
    known.set(label, child);
  }
  return child;
}

/**
The children of a metric with two labels, each bound once. They are looked up label by label: a text made of both would be a
new one each time, and to hash it takes longer than to count.
*/
export class BoundPairs<First, Second, Child> {
  readonly #known = new Map<First, Map<Second, Child>>();
  readonly #bind: (first: First, second: Second) => Child;

  constructor(bind: (first: First, second: Second) => Child) {
    this.#bind = bind;
  }

  of(first: First, second: Second): Child {
    const seconds = bound(this.#known, first, newMap<Second, Child>);
    let child = seconds.get(second);
    if (child === undefined) {
      child = this.#bind(first, second);
      seconds.set(second, child);
    }
    return child;
  }
}

/** Numbers that a counter learns at the next scrape: prom-client makes a text of the labels for each increment, and looks it up. */
export class Tallies {
  readonly #tallies: Tally[] = [];

  of(labels: Tally['labels']): Tally {
    const tally = {labels, untold: 0};
    this.#tallies.push(tally);
    return tally;
  }

  tell(counter: {inc(labels: Tally['labels'], value: number): void}): void {
    for (const tally of this.#tallies) {
      if (tally.untold > 0) counter.inc(tally.labels, tally.untold);
      tally.untold = 0;
    }
  }
}

export interface Tally {
  readonly labels: Record<string, string>;
  /** What has been counted since the last scrape. */
  untold: number;
}

const newMap = <Label, Child>() => new Map<Label, Child>();
