import {printable, printableJson, printableLines} from '../printable.ts';

/** Prints lines that may hold what somebody recorded. */
export function print(...lines: readonly string[]): void {
  console.log(lines.map(printable).join('\n'));
}

/** Prints a value as a line of JSON. */
export function printJson(value: unknown): void {
  console.log(printableJson(value));
}

/** Tells a person what is wrong, on stderr. */
export function complain(message: string): void {
  console.error(`core-runtime: ${printableLines(message)}`);
}
