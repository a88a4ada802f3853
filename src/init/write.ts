import {lstatSync, statSync} from 'node:fs';
import {readdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import {makeFolders} from '../folders.ts';
import {type Language, type LanguageName, languages} from './languages.ts';

/**
Writes a function that runs, with its test, into a folder, which is made if it does not exist.

@param folder absolute
@returns the files that were written, as paths in the folder; the library, which has many, as its folder
@throws CommandFailed that names the files which would be overwritten, and then nothing was written; or says why the folder cannot be made or written
*/
export async function writeFunction(language: LanguageName, folder: string): Promise<string[]> {
  const files = [...(await templateOf(language, nameOf(folder))), ...(await libraryOf(languages[language]))];
  try {
    refuseToOverwrite(folder, files);
    for (const {name, content} of files) {
      const file = path.join(folder, name);
      makeFolders(path.dirname(file));
      await writeFile(file, content, {flag: 'wx'});
    }
  } catch (error) {
    throw isOfSystem(error) ? refusal(folder, error) : error;
  }
  return shown(files);
}

const isOfSystem = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error;

const refusal = (folder: string, error: NodeJS.ErrnoException) =>
  new CommandFailed(exit.failed, `the function cannot be written into ${folder}: ${reasons[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
  ENAMETOOLONG: 'the name is too long',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'that file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Their names; the library, which has many files, is one folder. */
const shown = (files: readonly NewFile[]) => [
  ...new Set(files.map(({name}) => (name.startsWith(`${libraryFolder}/`) ? `${libraryFolder}/` : name))),
];

interface NewFile {
  /** Its path in the folder of the function. */
  readonly name: string;
  readonly content: string | Buffer;
}

const root = path.join(import.meta.dirname, '../..');
/** Where the library of a language goes. */
const libraryFolder = 'core-runtime';

/** Files that say what the function is called: `hello`, until it has a name. */
const named = /^(package\.json|go\.mod|README\.md)$/;

async function templateOf(language: LanguageName, functionName: string): Promise<NewFile[]> {
  const template = path.join(root, 'templates', language);
  return Promise.all(
    (await filesBelow(template)).map(async file => {
      const content = await readFile(path.join(template, file), 'utf8');
      return {
        // Without its dot, as npm leaves a `.gitignore` out of a package.
        name: file === 'gitignore' ? '.gitignore' : file,
        content: named.test(file) ? content.replaceAll(/\bhello\b/g, functionName) : content,
      };
    }),
  );
}

async function libraryOf({library}: Language): Promise<NewFile[]> {
  if (!library) return [];
  const folder = path.join(root, library.folder);
  const files = (await filesBelow(folder)).filter(file => library.files.test(file));
  return Promise.all(files.map(async file => ({name: `${libraryFolder}/${file}`, content: await readFile(path.join(folder, file))})));
}

/** With `/`, in the order of the alphabet. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, {withFileTypes: true, recursive: true});
  return entries
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

/** A name that package.json and go.mod take. */
function nameOf(folder: string): string {
  const name = path
    .basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return /^[a-z]/.test(name) ? name.slice(0, 100) : 'hello';
}

function refuseToOverwrite(folder: string, files: readonly NewFile[]): void {
  const about = statSync(folder, {throwIfNoEntry: false});
  if (about && !about.isDirectory()) throw new CommandFailed(exit.misused, `expected a folder, got the file ${folder}`);
  // A link counts, also one that leads nowhere.
  const there = files.filter(({name}) => lstatSync(path.join(folder, name), {throwIfNoEntry: false}) !== undefined);
  if (there.length === 0) return;
  const names = shown(there).join(', ');
  throw new CommandFailed(
    exit.misused,
    `${folder} has files that would be overwritten: ${names}. Name another folder; it may be a new one`,
  );
}
