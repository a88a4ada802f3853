/**
Lays out rows in columns, two spaces apart. Rows are laid out one by one, as some commands print while they read.

@param widths of the columns; a negative one aligns to the right, columns without one are as wide as their cells
*/
export function columns(...widths: readonly number[]): (...cells: readonly (string | number | undefined)[]) => string {
  return (...cells) =>
    cells
      .map((cell = '', index) => {
        const width = widths[index] ?? 0;
        return width < 0 ? String(cell).padStart(-width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
}

/** Lays out rows in columns that are as wide as their widest cells. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = Array.from({length: Math.max(0, ...rows.map(({length}) => length))}, (_, index) =>
    Math.max(...rows.map(cells => cells[index]?.length ?? 0)),
  );
  const row = columns(...widths);
  return rows.map(cells => row(...cells));
}
