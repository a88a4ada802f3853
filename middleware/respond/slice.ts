/**
The exact text of one member of a JSON object, without the space around it; undefined when the object lacks it.
When a name is repeated, the last one counts, as with JSON.parse.

@param json an object that JSON.parse accepts; nothing is checked again
*/
export function sliceMember(json: string, member: string): string | undefined {
  let found: string | undefined;
  let at = skipSpace(json, json.indexOf('{') + 1);
  while (json.charCodeAt(at) === quote) {
    const nameEnd = skipString(json, at);
    const isMember = nameIs(json.slice(at, nameEnd), member);
    const start = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const end = skipValue(json, start);
    if (isMember) found = json.slice(start, end);
    at = skipSpace(json, end);
    if (json.charCodeAt(at) !== comma) break;
    at = skipSpace(json, at + 1);
  }
  return found;
}

/** The exact text of each item of a JSON array. @param json an array that JSON.parse accepts; nothing is checked again */
export function sliceItems(json: string): string[] {
  const items: string[] = [];
  let at = skipSpace(json, json.indexOf('[') + 1);
  while (at < json.length && json[at] !== ']') {
    const end = skipValue(json, at);
    items.push(json.slice(at, end));
    at = skipSpace(json, end);
    if (json.charCodeAt(at) === comma) at = skipSpace(json, at + 1);
  }
  return items;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;

function nameIs(quoted: string, member: string): boolean {
  return quoted.includes('\\') ? JSON.parse(quoted) === member : quoted.length === member.length + 2 && quoted.slice(1, -1) === member;
}

function skipSpace(json: string, at: number): number {
  let index = at;
  for (let code = json.charCodeAt(index); code === 0x20 || (code >= 0x09 && code <= 0x0d); code = json.charCodeAt(index)) index++;
  return index;
}

/** From an opening quote to just after the closing one. */
function skipString(json: string, at: number): number {
  let end = json.indexOf('"', at + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end + 1;
}

/** A quote after an odd number of backslashes belongs to the string. */
function isEscaped(json: string, at: number): boolean {
  let index = at - 1;
  while (json.charCodeAt(index) === backslash) index--;
  return (at - 1 - index) % 2 === 1;
}

/** Strings are stepped over, brackets counted: what lies inside was found well-formed before. */
function skipValue(json: string, at: number): number {
  const first = json[at];
  if (first === '"') return skipString(json, at);
  if (first !== '{' && first !== '[') return skipScalar(json, at);
  let depth = 0;
  let index = at;
  do {
    const code = json.charCodeAt(index);
    if (code === quote) {
      index = skipString(json, index);
      continue;
    }
    if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    index++;
  } while (depth > 0);
  return index;
}

function skipScalar(json: string, at: number): number {
  let index = at;
  for (let code = json.charCodeAt(index); index < json.length; code = json.charCodeAt(++index)) {
    if (code === comma || code === 0x7d || code === 0x5d || code === 0x20 || (code >= 0x09 && code <= 0x0d)) break;
  }
  return index;
}
