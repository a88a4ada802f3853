import {execFile} from 'node:child_process';
import {closeSync, openSync, readSync, statSync} from 'node:fs';
import path from 'node:path';
import type {Environment} from '../settings/setting.ts';

/** How interpreters say where they are, by the extension of the handler. */
const questions: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  '.py': ['python3', '-c', 'import sys; print(sys.executable)'],
  '.php': ['php', '-r', 'echo PHP_BINARY;'],
};

/** Then the script itself is used. */
const longestMs = 5000;

/**
Finds the interpreter behind a script that chooses among versions, as pyenv and asdf have. The script takes a tenth of a second
each time, and each reload starts the interpreter.

@returns undefined when PATH leads to the interpreter itself, or nowhere
*/
export async function interpreterBehindScript(handlerPath: string, env: Environment): Promise<string | undefined> {
  const [program, ...args] = questions[path.extname(handlerPath)] ?? [];
  const script = program === undefined ? undefined : inPath(program, env.PATH);
  if (script === undefined || !isScript(script)) return undefined;
  const answer = await new Promise<string>(resolve => {
    execFile(script, args, {env: {...env}, timeout: longestMs}, (error, stdout) => resolve(error ? '' : stdout.trim()));
  });
  return path.isAbsolute(answer) && isFile(answer) ? answer : undefined;
}

function inPath(program: string, folders = ''): string | undefined {
  return folders
    .split(path.delimiter)
    .filter(folder => path.isAbsolute(folder))
    .map(folder => path.join(folder, program))
    .find(isFile);
}

const isFile = (file: string) => statSync(file, {throwIfNoEntry: false})?.isFile() === true;

function isScript(file: string): boolean {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const start = Buffer.alloc(2);
      readSync(descriptor, start);
      return start.toString('latin1') === '#!';
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}
