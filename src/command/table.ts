import {styleText} from 'node:util';
import {printable} from '../printable.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Column {
  readonly head: string;
  /** Numbers end together. */
  readonly isNumber?: boolean;
  /** The least width, in characters. A table whose rows are printed as they come needs it, as the widest is not known yet. */
  readonly width?: number;
}

/** What stands in one column of one row; undefined leaves the place empty. */
export type Cell = string | number | undefined | {readonly text: string; readonly style: Style | undefined};

/**
Prints rows in columns under a head. Cells may hold recorded text, so what a terminal would obey is shown as an escape. On a
terminal the head and styled cells have colours, unless NO_COLOR is set.
*/
export function printTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
  if (rows.length === 0) return;
  const widths = columns.map(({head, width = 0}, index) =>
    Math.max(head.length, width, ...rows.map(cells => printable(textOf(cells[index])).length)),
  );
  const table = openTable(columns.map((column, index) => ({...column, width: widths[index] ?? 0})));
  for (const cells of rows) table.row(...cells);
}

/** A table whose rows are printed as they come; the head comes with the first one. */
export function openTable(columns: readonly Column[]): {row(...cells: readonly Cell[]): void} {
  let isBegun = false;
  return {
    row(...cells) {
      if (!isBegun) console.log(lineOf(columns.map(({head}) => ({text: head, style: 'bold'}))));
      isBegun = true;
      console.log(lineOf(cells));
    },
  };

  function lineOf(cells: readonly Cell[]): string {
    const last = cells.findLastIndex(cell => textOf(cell) !== '');
    return cells
      .slice(0, last + 1)
      .map((cell, index) => {
        const {head = '', width = 0, isNumber = false} = columns[index] ?? {};
        const text = printable(textOf(cell));
        const wide = Math.max(head.length, width);
        const style = typeof cell === 'object' ? cell.style : undefined;
        return paint(style, isNumber ? text.padStart(wide) : index === last ? text : text.padEnd(wide));
      })
      .join('  ');
  }
}

/** Colours a text for a stream that is a terminal. It must not hold anything that a terminal would obey. */
export function paint(style: Style | undefined, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return style === undefined ? text : styleText(style, text, {stream});
}

const textOf = (cell: Cell): string => (typeof cell === 'object' ? cell.text : String(cell ?? ''));
