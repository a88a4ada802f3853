import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {projectFile} from './core.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of `core-runtime` to its end. */
export async function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  try {
    const ended = await promisify(execFile)(process.execPath, [projectFile('src/cli.ts'), ...args], {
      env: {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), ...env},
    });
    return {code: 0, ...ended};
  } catch (error) {
    return error as Ended; // execFile rejects with what the process wrote and its code
  }
}
