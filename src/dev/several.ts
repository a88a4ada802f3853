import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {CommandFailed, reportFailure} from '../command/failure.ts';
import {complain} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';
import type {DevOptions} from './options.ts';
import {manifestAt} from './serverless/place.ts';

export interface SeveralAsked extends DevOptions {
  /** As the command line has them; none for the current folder. */
  readonly paths: readonly string[];
  readonly name: string | undefined;
  readonly isJson: boolean;
}

/**
Serves several functions side by side, if several paths or a manifest were given.

@returns false when one function was given, which is served in this process
*/
export async function servesSeveral({paths, name, isJson, ...options}: SeveralAsked, env: Environment): Promise<boolean> {
  const manifest = paths.length <= 1 ? manifestAt(paths[0], process.cwd()) : undefined;
  if (manifest === undefined && paths.length <= 1) return false;
  try {
    if (name !== undefined)
      throw new CommandFailed(exit.misused, '--name: expected one function, got several; `name=path` names one of them');
    const [{planPaths}, {planManifest}] = await Promise.all([import('./several/paths.ts'), import('./serverless/plan.ts')]);
    const plan = () => (manifest === undefined ? planPaths(paths, process.cwd()) : planManifest(manifest, env, options.envFile));
    const [{serveSeveral}, {linesStage, jsonStage}] = await Promise.all([import('./several/run.ts'), import('./several/stages.ts')]);
    await serveSeveral({plan, file: manifest}, env, options, isJson ? jsonStage : linesStage(env));
  } catch (error) {
    const code = reportFailure(error);
    const isChosen = paths.some(given => path.resolve(given) === manifest);
    if (manifest !== undefined && !isChosen)
      complain(`name a handler to serve it without the file, as in \`${commandLine('dev handler.js')}\``);
    process.exit(code);
  }
  return true;
}
