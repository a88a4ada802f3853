export const beyondAscii = 'žluť 日本 😀';
/** More than 1 MiB, with characters of two, three and four bytes. */
export const long = beyondAscii.repeat(70_000);

/** @throws Error without the texts, which would fill the screen */
export function sameText(text: string, expected: string): void {
  if (text !== expected) throw new Error(`expected a text of ${expected.length} characters, got another of ${text?.length}`);
}
