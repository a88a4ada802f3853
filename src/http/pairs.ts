/** Names and values in turn as pairs, which is how Node takes trailers. */
export function inPairs(fields: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) pairs.push([fields[index] as string, fields[index + 1] as string]);
  return pairs;
}
