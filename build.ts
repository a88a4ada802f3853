import {cp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {type BuildOptions, build as bundle, type Plugin} from 'esbuild';
import {installed} from './src/admin/console/files.ts';
import {libraries} from './src/admin/console/libraries.ts';

/** Folders of programs. What is no TypeScript in them ships as it is: bridges, libraries of languages, files for a browser. */
const folders = ['src', 'middleware', 'triggers', 'protocols', 'runtimes'];
/** What else ships as it is. Which files of packages browsers get is listed in src/admin/console/libraries.ts. */
const shippedAsTheyAre = ['bin', 'schemas', 'templates', 'types', 'README.md', 'CHANGELOG.md', 'LICENSE'];
/** What is executed, and what it is called when it is built. */
const commands: Readonly<Record<string, string>> = {'src/entrypoint.ts': 'src/main', 'src/cli.ts': 'src/cli'};

/** What running something leaves behind. */
const byProducts = /(^|\/)(__pycache__|node_modules|target)(\/|$)|\.pyc$/;
/** What is only for working on the project. */
const leftOut = /_test\.go$|\.d\.ts$|^src\/main\.cjs$/;

/** A module of its own, such as a thread's: `new URL('./thread-entry.ts', import.meta.url)`. */
const program = /\bnew URL\('(\.{1,2}\/[^']+)\.ts', import\.meta\.url\)/g;
const place = /\bimport\.meta\.(url|dirname|filename)\b/g;
const latePackage = /\blate\('([^':]+)'\)/g;

/** Left in `node_modules`: OpenTelemetry replaces functions of other packages, and shares its state with the function's. */
const external = ['@opentelemetry/*', 'got'];

/** In place of a package that reads a file beside itself: the same with the file in it. */
const alias = {'@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled'};

const common = {bundle: true, platform: 'node', target: 'node24', logLevel: 'silent', alias} as const satisfies BuildOptions;
/** Packages that are no modules of ES ask for Node's own with `require`. */
const banner = {
  js: "import {createRequire as requireOfBundle} from 'node:module';\nconst require = requireOfBundle(import.meta.url);",
};

/**
Writes the project as it ships, ready to run or to pack: its programs as bundles with the packages that they always load,
the packages that are loaded late as a file each, and everything else that is no TypeScript, such as the bridges.

Bundles, as a start reads 400 modules otherwise: 60 ms and 10 MB more. docs/benchmarks.md has the figures.

@throws Error naming each module that is named but does not exist
*/
export async function build(root: string, out: string): Promise<void> {
  await rm(out, {recursive: true, force: true});
  const files = await filesOf(root);
  const modules = files.filter(file => file.endsWith('.ts'));
  for (const file of files.filter(file => !file.endsWith('.ts'))) await cp(path.join(root, file), path.join(out, file));
  if (files.some(file => file.startsWith('src/console/'))) {
    for (const [name, [pack, file]] of Object.entries(libraries)) await cp(installed(pack, file), path.join(out, 'src/console/lib', name));
  }
  const present = await readdir(root);
  for (const name of shippedAsTheyAre.filter(name => present.includes(name)))
    await cp(path.join(root, name), path.join(out, name), {recursive: true, filter: file => !byProducts.test(path.relative(root, file))});
  const {programs, packages} = await named(root, modules);
  // Each by itself: what they share would be cut into fifty files, which a start reads one by one.
  for (const entry of programs) {
    await bundle({
      ...common,
      absWorkingDir: root,
      entryPoints: [{in: entry, out: commands[entry] ?? entry.replace(/\.ts$/, '')}],
      outdir: out,
      format: 'esm',
      splitting: true,
      chunkNames: 'src/[name]-[hash]',
      banner,
      external,
      plugins: [places(root), trimmed],
    });
  }
  for (const name of packages) {
    const stdin = {contents: `module.exports = require('${name}')`, resolveDir: root};
    await bundle({
      ...common,
      stdin,
      outfile: path.join(out, `src/packages/${name}.cjs`),
      format: 'cjs',
      minifyWhitespace: true,
      plugins: [trimmed],
    });
  }
  await writeFile(path.join(out, 'package.json'), packageOf(await readFile(path.join(root, 'package.json'), 'utf8')));
}

/** Paths below the root, with `/`, of all that ships in the folders of programs. */
async function filesOf(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(path.join(root, folder), {withFileTypes: true, recursive: true});
    const paths = entries.filter(entry => entry.isFile()).map(entry => path.relative(root, path.join(entry.parentPath, entry.name)));
    files.push(...paths.filter(file => !byProducts.test(file) && !leftOut.test(file)));
  }
  return files;
}

/** What the modules name: programs that are executed, by a command or in a thread, and packages that are loaded late. */
async function named(root: string, modules: readonly string[]): Promise<{programs: string[]; packages: Set<string>}> {
  const programs = new Set(Object.keys(commands).filter(command => modules.includes(command)));
  const packages = new Set<string>();
  for (const module of modules) {
    const source = await readFile(path.join(root, module), 'utf8');
    for (const [, name = ''] of source.matchAll(program)) programs.add(path.join(path.dirname(module), `${name}.ts`));
    for (const [, name = ''] of source.matchAll(latePackage)) packages.add(name);
  }
  return {programs: [...programs], packages};
}

/**
A module in a bundle stands somewhere else: where it asks for its place, it is given the one that it would have. Every file
with such modules is directly in `src/`.
*/
function places(root: string): Plugin {
  return {
    name: 'places',
    setup({onLoad}) {
      onLoad({filter: /\.ts$/}, async ({path: file}) => {
        if (path.relative(root, file) === path.join('src', 'late.ts')) return {contents: late, loader: 'ts'};
        const at = `../${path.relative(root, file).replace(/\.ts$/, '.js')}`;
        const source = await readFile(file, 'utf8');
        const contents = source
          .replace(program, "new URL('$1.js', import.meta.url)")
          .replace(place, (_, what: 'url' | 'dirname' | 'filename') => placeOf(at)[what]);
        return {contents, loader: 'ts'};
      });
    },
  };
}

/** Packages of packages that cost memory and are used for what we do not use. */
const trimmed: Plugin = {
  name: 'trimmed',
  setup({onLoad, onResolve}) {
    // prom-client counts with it in its default metrics: 9 MB.
    onResolve({filter: /^@opentelemetry\/api$/}, ({importer}) =>
      importer.includes('/prom-client/') ? {path: 'api', namespace: 'trimmed'} : undefined,
    );
    // Koa finds types by extensions in it: 2,500 entries, 2 MB. We name types in full.
    onResolve({filter: /^mime-db$/}, () => ({path: 'mime-db', namespace: 'trimmed'}));
    onLoad({filter: /^api$/, namespace: 'trimmed'}, () => ({contents: ''}));
    onLoad({filter: /^mime-db$/, namespace: 'trimmed'}, () => ({contents: '{}', loader: 'json'}));
  },
};

const placeOf = (at: string) => ({
  url: `new URL('${at}', import.meta.url).href`,
  dirname: `decodeURIComponent(new URL('${path.dirname(at)}', import.meta.url).pathname)`,
  filename: `decodeURIComponent(new URL('${at}', import.meta.url).pathname)`,
});

/** Finds the packages that are loaded late beside the bundle. */
const late = `
import {createRequire, isBuiltin} from 'node:module';
const load = createRequire(import.meta.url);
export const late = (name: string) => load(isBuiltin(name) ? name : \`./packages/\${name}.cjs\`);
`;

/** The manifest of the built tree: no scripts, no tools, and all of its files. */
export function packageOf(manifest: string): string {
  const {scripts, devDependencies, overrides, allowScripts, files, ...kept} = JSON.parse(manifest);
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}

if (import.meta.main) await build(import.meta.dirname, path.join(import.meta.dirname, 'dist'));
