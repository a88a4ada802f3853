/** A token of JSON (RFC 8259), with the white space before it. */
const token = new RegExp(
  [
    /[\t\n\r ]*/,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they may not stand in a string
    /(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null))/,
  ]
    .map(({source}) => source)
    .join(''),
  'y',
);
const space = /[\t\n\r ]*/y;

/** What may come next. In a list or an object that has just begun, its end may come, too. */
type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/** The index at which a text stops being JSON: of the first token that may not stand there. The length when the text ends too early. */
export function whereNotJson(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  for (let at = 0; ; ) {
    space.lastIndex = at;
    space.test(text);
    const start = space.lastIndex;
    token.lastIndex = start;
    const [, mark, string, word] = token.exec(text) ?? [];
    const next = step(expected, open, mark ?? (string === undefined ? (word === undefined ? undefined : 'word') : 'string'));
    if (next === undefined) return start;
    expected = next;
    at = token.lastIndex;
  }
}

/** What may follow a token; undefined when the token may not stand here. Keeps account of the lists and objects that are open. */
function step(expected: Expected, open: string[], found: string | undefined): Expected | undefined {
  const afterValue = () => (open.length === 0 ? 'nothing' : 'comma or end');
  if (found === ']' || found === '}') {
    if (!expected.endsWith('end') || open.pop() !== found) return undefined;
    return afterValue();
  }
  if (expected.startsWith('value')) {
    if (found === '[' || found === '{') {
      open.push(found === '[' ? ']' : '}');
      return found === '[' ? 'value or end' : 'key or end';
    }
    return found === 'string' || found === 'word' ? afterValue() : undefined;
  }
  if (expected.startsWith('key')) return found === 'string' ? 'colon' : undefined;
  if (expected === 'colon') return found === ':' ? 'value' : undefined;
  if (expected === 'comma or end' && found === ',') return open.at(-1) === ']' ? 'value' : 'key';
  return undefined;
}
