/** Alternatives in a sentence: `a`, `a or b`, `a, b or c`. */
export function either(alternatives: readonly string[]): string {
  const [last = '', ...others] = alternatives.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(', ')} or ${last}`;
}
