import {readdirSync, statSync} from 'node:fs';
import path from 'node:path';

/** A language whose functions are built before they are served. */
export type CompiledLanguage = 'go' | 'rust';

/** The compiled language whose sources a folder has. */
export function languageOfFolder(folder: string): CompiledLanguage | undefined {
  const names = readdirSync(folder);
  if (names.includes('go.mod') || names.some(name => name.endsWith('.go'))) return 'go';
  return names.includes('Cargo.toml') ? 'rust' : undefined;
}

/** Says how a function is built and served, or where it was built already. */
export function compiledAdvice(language: CompiledLanguage, folder: string): string {
  if (language === 'go') {
    return `a function in Go is served as the program that it is built into: \`cd ${folder} && go build -o handler .\`, then \`core-runtime dev ${path.join(folder, 'handler')}\``;
  }
  const crate = crateAbove(folder);
  const built = programsIn(path.join(crate, 'target/release'));
  const program = path.join(crate, 'target/release', built.length === 1 && built[0] !== undefined ? built[0] : '<name>');
  return `a function in Rust is served as the program that it is built into: \`cd ${crate} && cargo build --release\`, then \`core-runtime dev ${program}\``;
}

/** The nearest folder with a Cargo.toml; sources stand in `src`. */
function crateAbove(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (statSync(path.join(at, 'Cargo.toml'), {throwIfNoEntry: false})) return at;
    if (at === path.dirname(at)) return folder;
  }
}

/** Cargo puts programs directly in the folder, without an extension. */
function programsIn(folder: string): string[] {
  try {
    return readdirSync(folder, {withFileTypes: true})
      .filter(entry => entry.isFile() && !entry.name.includes('.'))
      .map(({name}) => name);
  } catch {
    return [];
  }
}
