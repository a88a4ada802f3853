import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {cliProgram} from './programs.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function conform(args: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
  const {PATH = '', HOME = '', NODE_V8_COVERAGE} = process.env;
  const env = {PATH, HOME, ...(NODE_V8_COVERAGE && {NODE_V8_COVERAGE}), ...more};
  try {
    return {code: 0, ...(await promisify(execFile)(process.execPath, [cliProgram, 'conform', ...args], {env}))};
  } catch (error) {
    return error as Ended; // execFile rejects with what the process wrote and its code
  }
}

export const verdictsOf = ({stdout}: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line): Record<string, string> => JSON.parse(line));
