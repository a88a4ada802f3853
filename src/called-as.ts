import type {Environment} from './settings/setting.ts';

/** How the commands of this program are called where it runs; alone on the PATH by default, as in the image. */
let program = 'core-runtime';

/**
Takes from the environment how this program was called, so that the commands that it advises work there: what npx, `npm exec` or a
script of a package.json has started is found in the package's `node_modules` only.
*/
export function noteHowCalled({npm_command: command, npm_lifecycle_event: script}: Environment): void {
  program = command || script ? 'npx core-runtime' : 'core-runtime';
}

/** A command line to advise: `npx core-runtime dev` or `core-runtime dev`. @param words what stands behind the program's name */
export const commandLine = (words: string): string => `${program} ${words}`;
