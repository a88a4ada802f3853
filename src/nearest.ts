export interface Nearest {
  readonly word: string;
  /** How many characters must be inserted, deleted or replaced; two beside each other in the wrong order are one. */
  readonly edits: number;
}

/** The one of the known words that is the most like what was written; undefined when none is known. */
export function nearest(written: string, known: readonly string[]): Nearest | undefined {
  let best: Nearest | undefined;
  for (const word of known) {
    const edits = editDistance(written, word);
    if (!best || edits < best.edits) best = {word, edits};
  }
  return best;
}

/**
Insertions, deletions, substitutions, and swaps of neighbours, that turn `a` into `b`.

@see optimal string alignment, the restricted Damerau–Levenshtein distance
*/
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : substituted;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
