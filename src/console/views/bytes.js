/** How many bytes are shown as hex: each is five characters of text. */
const mostHexBytes = 16 * 1024;

/** @param {string} base64 */
export const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0));

/**
 * What is here of a body.
 *
 * @param {import('../answers.js').Payload} payload
 */
export function contentOf({body = '', encoding}) {
  return encoding === 'base64' ? bytesOf(body) : new TextEncoder().encode(body);
}

/** What is not UTF-8 becomes U+FFFD. @param {Uint8Array} content */
export const textOf = content => new TextDecoder().decode(content);

/**
 * The same JSON with a line for each member; numbers and the order of members stay as they were written.
 *
 * @param {Uint8Array} content
 * @returns {string | undefined} undefined when it is not JSON
 */
export function jsonOf(content) {
  const text = textOf(content).trim();
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indented(text);
}

/**
 * How a body is best shown.
 *
 * @param {Uint8Array} content
 * @param {readonly (readonly [string, string])[]} headers
 * @returns {'json' | 'text' | 'hex'}
 */
export function kindOf(content, headers) {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  if (/\bjson\b/i.test(type) || /^\s*[[{]/.test(textOf(content.subarray(0, 100)))) if (jsonOf(content) !== undefined) return 'json';
  // A cut in the middle of a character leaves one that is broken at the end.
  const sample = textOf(content.subarray(0, 1024)).slice(0, -4);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells bytes from text
  return /[\u0000-\u0008\u000e-\u001a\ufffd]/.test(sample) ? 'hex' : 'text';
}

/**
 * As `hexdump -C` has it: position, sixteen bytes, and what of them is ASCII.
 *
 * @param {Uint8Array} content
 */
export function hexOf(content) {
  const lines = [];
  for (let at = 0; at < Math.min(content.length, mostHexBytes); at += 16) {
    const row = [...content.subarray(at, at + 16)];
    const hex = row.map(byte => byte.toString(16).padStart(2, '0'));
    const halves = `${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}`;
    const ascii = row.map(byte => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves}  |${ascii}|`);
  }
  if (content.length > mostHexBytes) lines.push(`… ${content.length - mostHexBytes} bytes more`);
  return lines.join('\n');
}

/** @param {string} json that parses */
function indented(json) {
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  // Strings first, so that what is in them is left alone.
  return json.replace(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|\s+/g, part => {
    if (/^[{[]\s*[}\]]$/.test(part)) return (part[0] ?? '') + part.at(-1);
    if (part === '{' || part === '[') {
      depth++;
      return part + line();
    }
    if (part === '}' || part === ']') {
      depth--;
      return line() + part;
    }
    if (part === ',') return part + line();
    if (part === ':') return ': ';
    return part.startsWith('"') ? part : '';
  });
}
