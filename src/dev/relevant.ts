import path from 'node:path';
import type {Found} from './find.ts';

interface Kind {
  /** Extensions of handlers. */
  readonly handlers: readonly string[];
  /** Extensions of files that code is loaded from. */
  readonly files: readonly string[];
  /** Folders of packages and of tools: what they hold changes by an installation, not by an edit. */
  readonly packages: readonly string[];
}

const kinds: readonly Kind[] = [
  {
    handlers: ['.js', '.cjs', '.mjs', '.ts'],
    files: ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts', '.json', '.node', '.wasm'],
    packages: ['node_modules'],
  },
  {handlers: ['.py'], files: ['.py', '.so'], packages: ['__pycache__', 'venv', 'node_modules']},
  {handlers: ['.php'], files: ['.php', '.inc'], packages: ['vendor', 'node_modules']},
];

const kindOf = (handlerPath: string) => kinds.find(({handlers}) => handlers.includes(path.extname(handlerPath)));

/** Whether a place in the function's folder is looked at: hidden folders and those of packages are not. */
export function isLookedAt({folder, handlerPath}: Found, place: string): boolean {
  const packages = kindOf(handlerPath)?.packages ?? ['node_modules'];
  const names = path.relative(folder, place).split(path.sep);
  return !names.some(name => name.startsWith('.') || packages.includes(name));
}

/**
Whether the function may load a file when it starts. A function that is a program loads itself only.

Other files, such as a list that the function writes itself, must not reload it: it would lose what it has in memory.
*/
export function isSource({handlerPath, isBinary}: Found, file: string): boolean {
  if (file === handlerPath) return true;
  if (isBinary) return false;
  const kind = kindOf(handlerPath);
  return kind === undefined || kind.files.includes(path.extname(file));
}
