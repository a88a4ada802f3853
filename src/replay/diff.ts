/** Lines that did not change and are shown around those that did. */
const contextLines = 2;
/** When either side has more lines, everything between the first and the last change counts as one change. */
const mostLines = 1500;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/**
The lines in which two texts differ, as a unified diff without its head: `-` is expected only, `+` actual only.
`@@` separates hunks. Empty when they are the same.
*/
export function unifiedDiff(expected: readonly string[], actual: readonly string[]): string[] {
  const lines = alignLines(expected, actual);
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({sign}) => sign !== ' '));
  return lines.flatMap(({sign, text}, at) => {
    if (!near[at]) return [];
    const line = `${sign} ${text}`;
    return at > 0 && !near[at - 1] ? ['@@', line] : [line];
  });
}

/** The lines of both texts in one list; a line that they share is in it once. */
export function alignLines(expected: readonly string[], actual: readonly string[]): Line[] {
  let start = 0;
  while (start < expected.length && start < actual.length && expected[start] === actual[start]) start++;
  let end = 0;
  const shorter = Math.min(expected.length, actual.length) - start;
  while (end < shorter && expected.at(-1 - end) === actual.at(-1 - end)) end++;
  const same = (texts: readonly string[]) => texts.map(text => ({sign: ' ', text}) as const);
  return [
    ...same(expected.slice(0, start)),
    ...middle(expected.slice(start, expected.length - end), actual.slice(start, actual.length - end)),
    ...same(expected.slice(expected.length - end)),
  ];
}

/** Aligns the lines by their longest common subsequence. */
function middle(expected: readonly string[], actual: readonly string[]): Line[] {
  const removed = (text: string): Line => ({sign: '-', text});
  const added = (text: string): Line => ({sign: '+', text});
  if (Math.max(expected.length, actual.length) > mostLines) return [...expected.map(removed), ...actual.map(added)];
  const longest = lengths(expected, actual);
  const width = actual.length + 1;
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < expected.length || column < actual.length) {
    const [one, other] = [expected[row], actual[column]];
    if (one !== undefined && one === other) {
      lines.push({sign: ' ', text: one});
      row++;
      column++;
    } else if (
      other === undefined ||
      (one !== undefined && (longest[(row + 1) * width + column] ?? 0) >= (longest[row * width + column + 1] ?? 0))
    ) {
      lines.push(removed(one ?? ''));
      row++;
    } else {
      lines.push(added(other));
      column++;
    }
  }
  return lines;
}

/** The length of the longest common subsequence of the rests that begin at each pair of lines, row by row. */
function lengths(expected: readonly string[], actual: readonly string[]): Uint16Array {
  const width = actual.length + 1;
  const table = new Uint16Array((expected.length + 1) * width);
  for (let row = expected.length - 1; row >= 0; row--) {
    for (let column = actual.length - 1; column >= 0; column--) {
      const [below, right] = [table[(row + 1) * width + column] ?? 0, table[row * width + column + 1] ?? 0];
      const both = (table[(row + 1) * width + column + 1] ?? 0) + 1;
      table[row * width + column] = expected[row] === actual[column] ? both : Math.max(below, right);
    }
  }
  return table;
}
