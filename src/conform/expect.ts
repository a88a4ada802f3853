import {isDeepStrictEqual} from 'node:util';

/** @throws Error with both sides when they differ */
export function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`expected ${shown(expected)}, got ${shown(actual)}`);
}

/** @throws Error when the text is not JSON, or the JSON of something else */
export function sameJson(text: string, expected: unknown): void {
  let actual: unknown;
  try {
    actual = JSON.parse(text);
  } catch {
    throw new Error(`expected the JSON ${shown(expected)}, got the text ${shown(text)}`);
  }
  same(actual, expected);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
