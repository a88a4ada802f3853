import {readdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {shellWord} from '../command/shell-word.ts';

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
  if (language === 'go' && !hasMain(folder)) {
    return `a function in Go is served as the program that it is built into, and ${folder} has no \`package main\`: add one that calls \`functions.Start\` of the library for Go with the handler, as in \`${commandLine('init go')}\``;
  }
  if (language === 'go') {
    return `a function in Go is served as the program that it is built into: \`cd ${shellWord(folder)} && go build -o handler .\`, then \`${commandLine(`dev ${shellWord(path.join(folder, 'handler'))}`)}\``;
  }
  const crate = crateAbove(folder);
  const programs = path.join(crate, 'target/release');
  const [built, ...more] = programsIn(programs);
  const name = built !== undefined && more.length === 0 ? built : programNamed(path.join(crate, 'Cargo.toml'));
  const program = name === undefined ? `${shellWord(programs)}/<name>` : shellWord(path.join(programs, name));
  return `a function in Rust is served as the program that it is built into: \`cd ${shellWord(crate)} && cargo build --release\`, then \`${commandLine(`dev ${program}`)}\``;
}

/** Larger files are no sources. */
const largestSourceBytes = 2 ** 20;

/** Whether a folder builds into a program. One without sources, where they stand further down, is taken for one that does. */
function hasMain(folder: string): boolean {
  const sources = readdirSync(folder)
    .filter(name => name.endsWith('.go') && !name.endsWith('_test.go'))
    .map(name => path.join(folder, name))
    .filter(file => (statSync(file, {throwIfNoEntry: false})?.size ?? Number.POSITIVE_INFINITY) <= largestSourceBytes);
  return sources.length === 0 || sources.some(file => /^package main\b/m.test(readFileSync(file, 'utf8')));
}

/** The nearest folder with a Cargo.toml; sources stand in `src`. */
function crateAbove(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (statSync(path.join(at, 'Cargo.toml'), {throwIfNoEntry: false})) return at;
    if (at === path.dirname(at)) return folder;
  }
}

/** The only program that a manifest names: its package, or its one `[[bin]]`. Undefined when that is not plain to see. */
function programNamed(manifest: string): string | undefined {
  if ((statSync(manifest, {throwIfNoEntry: false})?.size ?? Number.POSITIVE_INFINITY) > largestSourceBytes) return undefined;
  const tables = readFileSync(manifest, 'utf8').split(/^(?=\[)/m);
  const nameIn = (table: string | undefined) => /^name\s*=\s*["']([\w-]+)["']/m.exec(table ?? '')?.[1];
  const bins = tables.filter(table => table.startsWith('[[bin]]'));
  return bins.length > 1 ? undefined : nameIn(bins[0] ?? tables.find(table => table.startsWith('[package]')));
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
