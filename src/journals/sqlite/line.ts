import type {Fact} from '../../facts.ts';

/** A fact as a line. JSON escapes every control character, so a line has one newline, at its end. */
export function writeLine(stream: string, at: number, {type, data}: Fact): string {
  return `${lineHead(stream)}${at},"${type}",${JSON.stringify(data)}]\n`; // a type is a name of ours: nothing in it is escaped
}

/** The beginning of every line of a stream, and of no line of another stream. */
export const lineHead = (stream: string) => `[${JSON.stringify(stream)},`;
