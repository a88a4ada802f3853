import {existsSync, statSync} from 'node:fs';
import path from 'node:path';

const names = ['serverless.yml', 'serverless.yaml', 'serverless.json'];

/** The manifest that a path names, or that stands in the folder that it names; undefined when there is none. */
export function manifestAt(given: string | undefined, cwd: string): string | undefined {
  const place = path.resolve(cwd, given ?? '.');
  if (statSync(place, {throwIfNoEntry: false})?.isDirectory()) return manifestIn(place);
  return /^serverless(?:[.-].*)?\.(?:ya?ml|json)$/.test(path.basename(place)) ? place : undefined;
}

/** A handler lies this many folders below its manifest at most; otherwise each call would search the whole way up. */
const mostFoldersAbove = 4;

/** The manifest of the project that a folder is a part of: the nearest one, in the folder itself or above it. */
export function manifestAbove(folder: string): string | undefined {
  let place = folder;
  for (let above = 0; above <= mostFoldersAbove; above++) {
    const file = manifestIn(place);
    if (file !== undefined) return file;
    place = path.dirname(place);
  }
  return undefined;
}

function manifestIn(folder: string): string | undefined {
  return names.map(name => path.join(folder, name)).find(file => existsSync(file));
}
