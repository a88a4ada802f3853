/*
Recorded text may hold anything, such as escape codes that a terminal obeys, or marks that turn the direction of text. These
functions write it so that it is shown and not obeyed.
*/

/** Controls of ASCII and Latin-1, line separators, and marks of direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that a terminal obeys
const obeyed = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** One line, with everything that a terminal obeys written as `\x1b` or `\u2028`. */
export const printable = (text: string): string => text.replaceAll(obeyed, escaped);

/** The same, for text of several lines, which stay lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** A value as JSON on one line. Every reader of lines takes it for one line. */
export const printableJson = (value: unknown): string => JSON.stringify(value).replaceAll(obeyed, inJson);

const hex = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, '0');
const inJson = (character: string) => `\\u${hex(character, 4)}`;
const escaped = (character: string) => (character < '\u0100' ? `\\x${hex(character, 2)}` : inJson(character));
