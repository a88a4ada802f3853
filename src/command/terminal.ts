import {printable, printableJson, printableLines} from '../printable.ts';

/** Prints lines. They may hold recorded text, so what a terminal would obey is shown as an escape. */
export function print(...lines: readonly string[]): void {
  console.log(lines.map(printable).join('\n'));
}

/** Prints a value as a line of JSON. */
export function printJson(value: unknown): void {
  console.log(printableJson(value));
}

/** Prints a problem on stderr, for a person. */
export function complain(message: string): void {
  console.error(`core-runtime: ${printableLines(message)}`);
}
