import path from 'node:path';
import {isExecutable} from '../executable.ts';

export type Language = 'node' | 'python' | 'php' | 'go' | 'rust';

/** A runtime of the platform, such as `python311`. */
export interface PlatformRuntime {
  readonly language: Language;
  /** `311`; empty when the name says none. */
  readonly version: string;
}

/** What a manifest may write, for messages. */
export const runtimeForms = 'a runtime such as node22, python311, php82, go122 or rust165';

/** Reads the name of a runtime; undefined when it is none. `golang` is an older name of go. */
export function readRuntime(name: string): PlatformRuntime | undefined {
  const [, word, version = ''] = /^(node|python|php|golang|go|rust)(\d*)$/.exec(name) ?? [];
  if (word === undefined) return undefined;
  return {language: word === 'golang' ? 'go' : (word as Language), version}; // the pattern lets no other word through
}

/** Extensions of the handlers of a language, in the order in which the platform would take them. */
export const extensionsOf: Readonly<Record<Language, readonly string[]>> = {
  node: ['.js', '.mjs', '.cjs', '.ts'],
  python: ['.py'],
  php: ['.php'],
  go: [],
  rust: [],
};

/**
The interpreter of just this version, where the machine has it beside others: `python3.11` for python311, `php8.2` for php82,
`node20` for node20.

@param searchPath PATH
@param runs whether a program runs at all: those of version managers exist for versions that they do not choose
@returns its path, or undefined: then the machine's usual one runs the function
*/
export function interpreterOf(
  {language, version}: PlatformRuntime,
  searchPath: string,
  runs: (file: string) => boolean,
): string | undefined {
  if (version === '' || language === 'go' || language === 'rust') return undefined;
  const dotted = version.replace(/^(\d)(\d+)$/, '$1.$2');
  const names = language === 'node' ? [`node${version}`, `node-${version}`] : [`${language}${dotted}`];
  const folders = searchPath.split(path.delimiter).filter(folder => path.isAbsolute(folder));
  return names.flatMap(name => folders.map(folder => path.join(folder, name))).find(file => isExecutable(file) && runs(file));
}
