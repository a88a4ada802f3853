import {paint, type Style} from '../command/table.ts';
import {printable} from '../printable.ts';

/** How the lines of a report begin that have a colour. What is expected and what came look as a diff does elsewhere. */
const styles: readonly (readonly [RegExp, Style])[] = [
  [/^Replayed |^ {2}invocation +request /, 'bold'],
  [/^ {2}(---|\+\+\+) /, 'bold'],
  [/^ {2}@@/, 'cyan'],
  [/^ {2}- /, 'red'],
  [/^ {2}\+ /, 'green'],
];

/** The lines of a report for a terminal; without colours where stdout is none. What a terminal would obey is shown. */
export function colouredReport(text: string): string {
  return text
    .split('\n')
    .map(line => paint(styles.find(([begin]) => begin.test(line))?.[1], printable(line)))
    .join('\n');
}
