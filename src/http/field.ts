/**
@param headers names and values in turn, as Node has them raw
@param name in any case
@returns the first value of the field; '' without one
*/
export function fieldOf(headers: readonly string[], name: string): string {
  const wanted = name.toLowerCase();
  const at = headers.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === wanted);
  return at === -1 ? '' : (headers[at + 1] ?? '');
}
