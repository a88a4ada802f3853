import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {type Argument, json, optional} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {shellWord} from '../command/shell-word.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {type LanguageName, languages} from '../init/languages.ts';
import {writeFunction} from '../init/write.ts';

const names = Object.keys(languages) as LanguageName[];
const expected = `a language: ${names.join(', ')}`;

const language: Argument<string> = {
  doc: `Language of the function: ${names.join(', ')}.`,
  expected,
  shape: 'one',
  take: words => words.shift(),
};

/** `core-runtime init <language> [folder]`: a function that runs, with a test that passes. */
export const init = command({
  summary: 'Writes a function that runs, with a test, types and an ignore file.',
  arguments: {language, folder: optional('one folder', 'Where it is written. By default the current folder.')},
  options: {json},
  examples: {
    'init node hello': 'Write a function in JavaScript into the folder hello.',
    'init python': 'Write one in Python into the current folder.',
  },
  checksSettings: false,
  async run({language: given, folder: asked = '.', json: isJson}) {
    const name = names.find(each => each === given);
    if (name === undefined)
      throw new CommandFailed(exit.misused, `expected ${expected}, got \`${given}\`, as in \`${commandLine('init node hello')}\``);
    const folder = path.resolve(asked);
    const files = await writeFunction(name, folder);
    const next = nextSteps(name, folder);
    if (isJson) printJson({folder, files, next});
    else print(`Wrote ${files.join(', ')}${folder === process.cwd() ? '' : ` in ${asked}`}. Next:`, '', ...next.map(step => `  ${step}`));
    return exit.done;
  },
});

/** One goes into the folder, tests and serves. */
function nextSteps(name: LanguageName, folder: string): string[] {
  const {test, serve} = languages[name];
  const way = path.relative(process.cwd(), folder);
  return [way === '' ? test : `cd ${shellWord(way)} && ${test}`, serve];
}
