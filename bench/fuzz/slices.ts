import {isDeepStrictEqual} from 'node:util';
import {sliceMember} from '../../middleware/respond/slice.ts';
import {mutate, pick, random} from './chance.ts';
import {count, differ} from './run.ts';

/** A member cut out of a JSON text, compared with JSON.parse and with another scanner. */
export function fuzzSlice(): void {
  let json = `{${Array.from({length: random(6)}, () => `${quoted()}:${jsonText(0)}`).join(',')}}`;
  for (let edits = random(3); edits > 0; edits--)
    json = mutate(json, ['"', '\\', '{', '}', '[', ']', ',', ':', ' ', '0', '"body":', '\\u']);
  // Having met a name that holds a backslash, V8 misreads others: https://github.com/nodejs/node/issues/63785
  if (/"(?:[^"\\]|\\.)*\\(?:\\|u005c)(?:[^"\\]|\\.)*"\s*:/i.test(json)) {
    count('json left out');
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    count('json refused');
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const reference = membersOf(json);
  const names = Object.keys(value);
  if (names.length !== reference.size) differ('the second scanner differs from JSON.parse', {json});
  for (const name of [...names, 'absent', 'body']) {
    const slice = sliceMember(json, name);
    if (slice !== reference.get(name))
      differ('a slice is another than the second scanner’s', {json, name, slice, reference: reference.get(name)});
    const member = Object.getOwnPropertyDescriptor(value, name)?.value;
    if (slice !== undefined && !isDeepStrictEqual(JSON.parse(slice), member)) differ('a slice is another value', {json, name, slice});
    count('slices');
  }
}

function jsonText(depth: number): string {
  const gap = () => pick(['', '', '', ' ', '\n', '\t\r ', '   ']);
  switch (random(depth > 4 ? 5 : 8)) {
    case 0:
      return pick(['null', 'true', 'false', '""', '{}', '[]', '[ ]', '{ }']);
    case 1:
      return pick(['0', '-0', '-0.0', '1e400', '1E-7', '12345678901234567890123', '0.1', '-1.5e+3']);
    case 2:
    case 3:
    case 4:
      return quoted();
    case 5:
      return `[${Array.from({length: random(4) + 1}, () => gap() + jsonText(depth + 1) + gap()).join(',')}]`;
    default:
      return `{${Array.from({length: random(5) + 1}, () => `${gap()}${pick([quoted(), '"body"', '"headers"', '"\\u0062ody"', '"__proto__"'])}${gap()}:${gap()}${jsonText(depth + 1)}${gap()}`).join(',')}}`;
  }
}

function quoted(): string {
  const parts = [
    'a',
    'body',
    '\\"',
    '\\\\',
    '\\/',
    '\\n',
    '\\u0022',
    '\\u005c',
    '\\ud83d',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\u2028',
    'é',
    '日',
    '😀',
    ' ',
    '\x7f',
    '\u00a0',
    '\ufeff',
  ];
  return `"${Array.from({length: random(6)}, () => pick(parts)).join('')}"`;
}

/** Another scanner: it cuts the text into tokens first. */
function membersOf(json: string): Map<string, string> {
  const tokens = [...json.matchAll(/"(?:[^"\\]|\\[\s\S])*"|[{}[\],:]|[^\s{}[\],:"]+/g)];
  const members = new Map<string, string>();
  let depth = 0;
  let name = '';
  let from = 0;
  let to = 0;
  let isValue = false;
  for (const {0: token, index} of tokens) {
    const isEnd = depth === 1 && (token === ',' || token === '}');
    if (isEnd && isValue) {
      members.set(name, json.slice(from, to));
      isValue = false;
    }
    if (!isValue && depth === 1 && token.startsWith('"')) name = JSON.parse(token);
    if (depth === 1 && token === ':' && !isValue) {
      isValue = true;
      from = -1;
    } else if (isValue && from === -1) from = index;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    to = index + token.length;
  }
  return members;
}
