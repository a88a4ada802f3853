import {stripVTControlCharacters} from 'node:util';

/** What the terminal of `dev` writes to remove its status line, which is the last one. */
const erasing = '\r\x1b[J';

/** What each code of a style begins, as a class; 22 ends bold and dim, 39 the colour. */
const styles: Readonly<Record<string, string>> = {1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan'};
const entities: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;'};

/**
What a terminal shows after `dev` has written to it, as HTML: a `span` with the class of a style around what has it.

@param bytes with the line ends of a terminal, CR LF
@throws TypeError for a code that `dev` does not write
*/
export function colouredHtml(bytes: string): string {
  return bytes
    .split('\r\n')
    .map(line => htmlOf(line.split(erasing).at(-1) ?? ''))
    .join('\n');
}

function htmlOf(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a style begins with
  const html = line.replaceAll(/[&<>]/g, sign => entities[sign] ?? sign).replaceAll(/\x1b\[(\d+)m/g, (_, code) => tagOf(code));
  if (stripVTControlCharacters(html) !== html || html.includes('\r'))
    throw new TypeError(`Expected styles only, got ${JSON.stringify(line)}`);
  return html;
}

function tagOf(code: string): string {
  if (code === '22' || code === '39') return '</span>';
  const style = styles[code];
  if (style === undefined) throw new TypeError(`Expected a style that dev writes, got code ${code}`);
  return `<span class="${style}">`;
}
