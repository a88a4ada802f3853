import {late} from '../late.ts';

/** Deeper aliases are an attack and not a list. */
const mostAliases = 100;

/**
Parses YAML 1.2, with the merge key. Only where it is wrong is said, as the text may hold secrets.

@throws SyntaxError with line and column
*/
export function parseYaml(text: string): unknown {
  const {LineCounter, parseDocument} = late('yaml') as typeof import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, {merge: true, lineCounter: lines, prettyErrors: false, logLevel: 'silent'});
  const [error] = document.errors;
  if (error) {
    const {line, col} = lines.linePos(error.pos[0]);
    throw new SyntaxError(`it is not YAML at line ${line}, column ${col}`);
  }
  try {
    return document.toJS({maxAliasCount: mostAliases});
  } catch {
    throw new SyntaxError('an alias of it leads nowhere, or to too much');
  }
}
