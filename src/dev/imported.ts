import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';

/** Larger files, and those of more, are written by programs and not looked into. */
const largestBytes = 2 ** 20;
const mostSources = 1000;
/** More files outside of the folder than this are not watched. */
const mostOutside = 200;

/** Code in which imports are found. */
const isCode = (file: string) => /\.[cm]?[jt]s$/.test(file);
/** What stands in `require('…')`, `from '…'`, `import '…'` and `import('…')`. */
const specifier = /\b(?:require\s*\(|from|import(?:\s*\()?)\s*(['"`])([^'"`\n]+)\1/g;

/**
Leaves out the files with JSON that no code imports: a function may keep a list in one, which must not reload it. What package.json
says of the code always counts.

@param changed absolute
@param files every file that counts, absolute
*/
export function withoutData(changed: readonly string[], files: readonly string[]): string[] {
  const data = changed.filter(file => path.extname(file) === '.json' && path.basename(file) !== 'package.json');
  if (data.length === 0) return [...changed];
  const code = files.filter(isCode).slice(0, mostSources);
  const imported = new Set(code.flatMap(importsOf).map(nameOf));
  return changed.filter(file => !data.includes(file) || imported.has(nameOf(file)));
}

/** The files outside of a folder that code in it imports by their path, and those that they import. */
export function importsOutside(folder: string, files: readonly string[]): string[] {
  const outside = new Set<string>();
  let code = files.filter(isCode).slice(0, mostSources);
  while (code.length > 0 && outside.size < mostOutside) {
    const found = code.flatMap(file =>
      importsOf(file).flatMap(name => (name.startsWith('.') ? (fileAt(path.dirname(file), name) ?? []) : [])),
    );
    code = [...new Set(found)].filter(file => path.relative(folder, file).startsWith('..') && !outside.has(file));
    for (const file of code.slice(0, mostOutside - outside.size)) outside.add(file);
  }
  return [...outside];
}

const nameOf = (place: string) => path.basename(place, '.json');
const importsOf = (file: string): string[] => [...read(file).matchAll(specifier)].map(([, , name = '']) => name);

function read(file: string): string {
  try {
    return isCode(file) && statSync(file).size <= largestBytes ? readFileSync(file, 'utf8') : '';
  } catch {
    return ''; // it was just removed
  }
}

/** As Node completes it: a file, a file without its extension, a folder with an index. */
function fileAt(folder: string, name: string): string | undefined {
  const place = path.join(folder, name);
  const completed = ['.js', '.cjs', '.mjs', '.ts', '.json'].flatMap(extension => [
    place + extension,
    path.join(place, `index${extension}`),
  ]);
  return [place, ...completed].find(file => statSync(file, {throwIfNoEntry: false})?.isFile() === true);
}
