/** The longest JSON of an event or a reply with a body of so many bytes: one may be written as six (`\u0000`), and there is an envelope. */
export const longestWritten = (bodyBytes: number): number => 6 * bodyBytes + 2 ** 20;
