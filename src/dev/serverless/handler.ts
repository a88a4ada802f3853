import {accessSync, constants, readdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {extensionsOf, type Language} from './runtimes.ts';

/** What a manifest says of the code of one function. */
export interface HandlerWish {
  /** Absolute: the folder of the manifest. */
  readonly root: string;
  /** Of the function. */
  readonly name: string;
  readonly language: Language;
  /** As the manifest has it: `dir/file.func`, or a package of Go. */
  readonly handler: string;
}

export interface FoundHandler {
  readonly handlerPath: string;
  /** Undefined for a program, and where the manifest names none. */
  readonly handlerName: string | undefined;
  readonly isBinary: boolean;
}

/** @returns the handler on the disk, or a sentence that says what is missing and what would be right */
export function findHandler(wish: HandlerWish): FoundHandler | {readonly problem: string} {
  return wish.language === 'go' || wish.language === 'rust' ? findProgram(wish) : findFile(wish);
}

/** `dir/file.func`; the function may be left out, and the file may have its extension. */
function findFile({root, handler, language}: HandlerWish): FoundHandler | {readonly problem: string} {
  const extensions = extensionsOf[language];
  const whole = path.resolve(root, handler);
  const complete = [whole, ...extensions.map(extension => whole + extension)].find(isFile);
  if (complete !== undefined) return {handlerPath: complete, handlerName: undefined, isBinary: false};
  const {dir, name, ext} = path.parse(handler);
  const handlerName = extensions.includes(ext) ? undefined : ext.slice(1) || undefined; // handler.js may be compiled from handler.ts
  const base = path.resolve(root, dir, name);
  const tried = extensions.map(extension => base + extension);
  const found = tried.find(isFile);
  if (found !== undefined) return {handlerPath: found, handlerName, isBinary: false};
  const shown = tried.map(file => path.relative(root, file));
  return {problem: `expected the handler in ${shown.join(' or ')}, and there is no such file`};
}

/** A function in Go or Rust is a program that was built. */
function findProgram(wish: HandlerWish): FoundHandler | {readonly problem: string} {
  const candidates = wish.language === 'go' ? goPrograms(wish) : rustPrograms(wish);
  const found = candidates.map(candidate => path.resolve(wish.root, candidate)).find(isProgram);
  if (found !== undefined) return {handlerPath: found, handlerName: undefined, isBinary: true};
  const advice = wish.language === 'go' ? goAdvice(wish) : rustAdvice;
  return {problem: `expected a built program in ${candidates.slice(0, 3).join(', ')}, and there is none. ${advice}`};
}

const rustAdvice = 'Build it with `cargo build`: a program whose main calls core_runtime_functions::start, as runtimes/rust/README.md says';

/** On the platform the handler is a package that a program is made around; here the program is the user's. */
function goAdvice(wish: HandlerWish): string {
  const {root, name} = wish;
  const folder = goFolder(wish);
  const isProgram = goFilesOf(path.join(root, folder)).some(file => /^package main\s*$/m.test(readOr(file, '')));
  const isModule = folder !== '' && isFile(path.join(root, folder, 'go.mod'));
  if (isProgram && isModule) return `Build it with \`cd ${folder} && go build -o handler .\``;
  if (isProgram) return `Build it with \`go build -o bin/${name} ./${folder}\``;
  return `Write a main that calls functions.Start with the handler, as runtimes/go/README.md says, and build it with \`go build -o bin/${name} ./cmd/${name}\``;
}

const mostGoFiles = 100;

function goFilesOf(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter(name => name.endsWith('.go') && !name.endsWith('_test.go'));
    return names.slice(0, mostGoFiles).map(name => path.join(folder, name));
  } catch {
    return [];
  }
}

/** The folder of the package: `mypackage/Handle` names a function of it, `src/testing` the package itself. */
function goFolder({root, handler}: HandlerWish): string {
  const isFolder = statSync(path.resolve(root, handler), {throwIfNoEntry: false})?.isDirectory() === true;
  const folder = path.normalize(isFolder ? handler : path.dirname(handler));
  return folder === '.' ? '' : folder;
}

function goPrograms(wish: HandlerWish): string[] {
  const folder = goFolder(wish);
  const names = [wish.name, 'handler', 'bootstrap', 'main'];
  return [wish.handler, path.join('bin', wish.name), ...names.map(name => path.join(folder, name))];
}

function rustPrograms({root, name, handler}: HandlerWish): string[] {
  const crate = /^\s*\[package\][^[]*?^\s*name\s*=\s*"([^"]+)"/ms.exec(readOr(path.join(root, 'Cargo.toml'), ''))?.[1];
  const names = [...new Set([name, crate ?? name, handler])];
  return [handler, path.join('bin', name), ...names.flatMap(each => [`target/debug/${each}`, `target/release/${each}`])];
}

const isFile = (file: string) => statSync(file, {throwIfNoEntry: false})?.isFile() === true;

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return isFile(file);
  } catch {
    return false;
  }
}

function readOr(file: string, fallback: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}
