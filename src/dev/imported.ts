import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';

/** Larger files, and those of more, are written by programs and not looked into. */
const largestBytes = 2 ** 20;
const mostSources = 1000;

/** What stands in `require('…')`, `from '…'`, `import '…'` and `import('…')`. */
const specifier = /\b(?:require\s*\(|from|import\s*\(?)\s*(['"`])([^'"`\n]+)\1/g;

/**
Leaves out the files with JSON that no code imports: a function may keep a list in one, which must not reload it. What package.json
says of the code always counts.

@param changed absolute
@param sources every file of code, absolute
*/
export function withoutData(changed: readonly string[], sources: readonly string[]): string[] {
  const data = changed.filter(file => path.extname(file) === '.json' && path.basename(file) !== 'package.json');
  if (data.length === 0) return [...changed];
  const imported = namesIn(sources);
  return changed.filter(file => !data.includes(file) || imported.has(nameOf(file)));
}

/** The names, without folder and extension, of what code imports. */
function namesIn(sources: readonly string[]): Set<string> {
  const code = sources.filter(file => !/\.(json|node|wasm)$/.test(file)).slice(0, mostSources);
  return new Set(code.flatMap(file => [...read(file).matchAll(specifier)].map(([, , name = '']) => nameOf(name))));
}

const nameOf = (place: string) => path.basename(place, '.json');

function read(file: string): string {
  try {
    return statSync(file).size <= largestBytes ? readFileSync(file, 'utf8') : '';
  } catch {
    return ''; // it was just removed
  }
}
