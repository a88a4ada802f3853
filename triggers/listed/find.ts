import {realpathSync} from 'node:fs';
import {createRequire, findPackageJSON, registerHooks} from 'node:module';
import {dirname, isAbsolute, resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

export interface Found {
  /** The file that the package exports. */
  readonly file: string;
  /** The folder of the package; of a file that is named by its path, the folder of that file. */
  readonly folder: string;
}

/**
Looks for a package in a folder, then in what is installed beside the core.

@returns undefined when neither has it
@throws what Node throws for a package that is there, but does not export what is asked for
*/
export function findPackage(type: string, folder: string): Found | undefined {
  for (const from of [resolve(folder, 'from-here.js'), import.meta.filename]) {
    try {
      const file = resolveFrom(type, from);
      return {file, folder: folderOf(type, from, file)};
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      // The next place may have it.
    }
  }
  return undefined;
}

function resolveFrom(type: string, from: string): string {
  try {
    return createRequire(from).resolve(type);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    return resolveImport(type, from); // its `exports` may be for `import` only
  }
}

/** As an `import` in that file would resolve it. Node has no other way to ask for another file than one's own. */
function resolveImport(type: string, from: string): string {
  const hook = registerHooks({resolve: (specifier, context, next) => next(specifier, {...context, parentURL: pathToFileURL(from).href})});
  try {
    return fileURLToPath(import.meta.resolve(type));
  } finally {
    hook.deregister();
  }
}

function folderOf(type: string, from: string, file: string): string {
  const isPath = type.startsWith('.') || isAbsolute(type);
  const manifest = isPath ? undefined : findPackageJSON(type, pathToFileURL(from));
  return realpathSync(dirname(manifest ?? file)); // as stacks name it
}
