import {createHash} from 'node:crypto';
import {readFile, stat} from 'node:fs/promises';
import {findPackageJSON} from 'node:module';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {brotliCompress, constants, gzip} from 'node:zlib';
import {libraries} from './libraries.ts';

/** A file of the console, ready to be sent. */
export interface ConsoleFile {
  readonly type: string;
  /** As the ETag field has it. */
  readonly tag: string;
  readonly bytes: Buffer;
  /** The same in the content codings that browsers accept; absent where that is not shorter. */
  readonly br?: Buffer;
  readonly gzip?: Buffer;
  /** The hash of the map of imports in a page, which is its only inline script. */
  readonly scriptHash?: string;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
};

/** Names with one dot, the one of the extension: no name leads out of the folder, and no hidden file has one. */
const served = new RegExp(`^(?:[\\w-]+/)*[\\w-]+\\.(${Object.keys(types).join('|')})$`);
const folder = fileURLToPath(new URL('../../console/', import.meta.url));

/** Every file that was asked for; there are no more than the folder has. */
const known = new Map<string, {readonly stamp: string; readonly file: Promise<ConsoleFile>}>();

/**
A file of the console, read from the disk when it is first asked for, and again when it has changed there.

@param name its path below the folder of the console; any text
@returns undefined when there is no such file
*/
export async function consoleFile(name: string): Promise<ConsoleFile | undefined> {
  const [, extension] = served.exec(name) ?? [];
  if (extension === undefined) return undefined;
  const place = await placeOf(name);
  if (!place) return undefined;
  const found = known.get(name);
  if (found?.stamp === place.stamp) return found.file;
  const file = load(place.file, types[extension] ?? '');
  known.set(name, {stamp: place.stamp, file});
  file.catch(() => known.delete(name)); // the next caller tries again
  return file;
}

/** Beside the console, or, for a package while it is not built, where npm has installed it. */
async function placeOf(name: string): Promise<{file: string; stamp: string} | undefined> {
  const beside = await fileAt(path.join(folder, name));
  const library = name.startsWith('lib/') ? name.slice('lib/'.length) : '';
  if (beside || !Object.hasOwn(libraries, library)) return beside;
  return fileAt(installed(...(libraries[library] ?? ['', ''])));
}

async function fileAt(file: string): Promise<{file: string; stamp: string} | undefined> {
  const stats = await stat(file).catch(() => undefined);
  return stats?.isFile() ? {file, stamp: `${stats.mtimeMs} ${stats.size}`} : undefined;
}

/** Where a package is installed; a path that does not exist when it is not. */
export function installed(pack: string, file: string): string {
  return path.join(path.dirname(findPackageJSON(pack, import.meta.url) ?? path.join(folder, pack, 'missing')), file);
}

async function load(file: string, type: string): Promise<ConsoleFile> {
  const bytes = await readFile(file);
  const [br, zipped] = type.startsWith('image/png') || type.startsWith('font/') ? [] : await Promise.all([brotli(bytes), zip(bytes)]);
  const [, script] = (type.startsWith('text/html') && /<script type="importmap">([\s\S]*?)<\/script>/.exec(bytes.toString())) || [];
  return {
    type,
    tag: `"${hashOf(bytes).slice(0, 22)}"`,
    bytes,
    ...(br && br.length < bytes.length && {br}),
    ...(zipped && zipped.length < bytes.length && {gzip: zipped}),
    ...(script !== undefined && {scriptHash: hashOf(script)}),
  };
}

const hashOf = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('base64');
const compress = promisify(brotliCompress);
const zip = promisify(gzip);
const brotli = (bytes: Buffer) => compress(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 9}});
