import {cp, mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {stripTypeScriptTypes} from 'node:module';
import path from 'node:path';

const folders = ['src', 'middleware', 'triggers', 'runtimes'];
const documents = ['README.md', 'CHANGELOG.md', 'LICENSE'];

/** What is only for working on the project. */
const leftOut = /(^|\/)(__pycache__|node_modules|target)(\/|$)|\.pyc$|_test\.go$|\.d\.ts$/;

/** A relative path to TypeScript where a module is named: import, export, import(), new URL(), resolve(). */
const modulePath = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*|\bresolve\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g;

/**
Writes the project as plain JavaScript: the same tree without types, ready to run or to pack.

Not `tsc` with `rewriteRelativeImportExtensions`: it leaves `new URL('./thread-entry.ts', import.meta.url)` as it is, does not
keep lines and columns, and copies nothing but modules.

@throws Error naming each module that is named but was not written
*/
export async function build(root: string, out: string): Promise<void> {
  await rm(out, {recursive: true, force: true});
  const needed: string[] = [];
  for (const file of await filesOf(root)) {
    const source = path.join(root, file);
    const target = path.join(out, file);
    await mkdir(path.dirname(target), {recursive: true});
    if (!file.endsWith('.ts')) {
      await cp(source, target);
      continue;
    }
    const {code, modules} = toJavaScript(await readFile(source, 'utf8'));
    const {mode} = await stat(source); // a command stays executable
    await writeFile(target.replace(/\.ts$/, '.js'), code, {mode});
    needed.push(...modules.map(module => path.resolve(path.dirname(target), module)));
  }
  await writeFile(path.join(out, 'package.json'), packageOf(await readFile(path.join(root, 'package.json'), 'utf8')));
  await refuseMissing(needed);
}

/** Paths below the root, with `/`, of everything that ships. */
async function filesOf(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(path.join(root, folder), {withFileTypes: true, recursive: true});
    const paths = entries.filter(entry => entry.isFile()).map(entry => path.relative(root, path.join(entry.parentPath, entry.name)));
    files.push(...paths.filter(file => !leftOut.test(file)));
  }
  const present = await readdir(root);
  return [...files, ...documents.filter(document => present.includes(document))];
}

/** Strips types in place, so that line and column numbers stay, and names the modules by their new extension. */
export function toJavaScript(source: string): {code: string; modules: string[]} {
  const modules: string[] = [];
  const code = stripTypeScriptTypes(source).replace(modulePath, (_, before: string, quote: string, module: string) => {
    modules.push(`${module}.js`);
    return `${before}${quote}${module}.js${quote}`;
  });
  return {code, modules};
}

/** The manifest of the built tree: no scripts, no tools, commands by their new extension. */
export function packageOf(manifest: string): string {
  const {scripts, devDependencies, overrides, allowScripts, bin, ...kept} = JSON.parse(manifest);
  const commands = Object.entries(bin ?? {}).map(([name, file]) => [name, String(file).replace(/\.ts$/, '.js')]);
  return `${JSON.stringify({...kept, bin: Object.fromEntries(commands)}, undefined, 2)}\n`;
}

async function refuseMissing(modules: string[]): Promise<void> {
  const missing = new Set<string>();
  for (const module of modules) {
    await stat(module).catch(() => missing.add(module));
  }
  if (missing.size > 0) throw new Error(`Not written, but named by a module: ${[...missing].join(', ')}`);
}

if (import.meta.main) await build(import.meta.dirname, path.join(import.meta.dirname, 'dist'));
