import {existsSync, statSync} from 'node:fs';
import path from 'node:path';
import {readBounded} from '../../bounded-file.ts';
import {CommandFailed} from '../../command/failure.ts';
import {exit} from '../../exit.ts';
import type {Environment} from '../../settings/setting.ts';
import type {Plan, PlannedFunction} from '../several/plan.ts';

import {environmentOf} from '../wish.ts';
import {findHandler} from './handler.ts';
import type {ManifestFunction} from './manifest.ts';
import {runsAtAll} from './probe.ts';
import {readServerless} from './read.ts';
import {interpreterOf} from './runtimes.ts';

const names = ['serverless.yml', 'serverless.yaml', 'serverless.json'];

/** The manifest that a path names, or that stands in the folder that it names; undefined when there is none. */
export function manifestAt(given: string | undefined, cwd: string): string | undefined {
  const place = path.resolve(cwd, given ?? '.');
  const isFolder = statSync(place, {throwIfNoEntry: false})?.isDirectory() === true;
  if (isFolder) return names.map(name => path.join(place, name)).find(file => existsSync(file));
  return /^serverless(?:[.-].*)?\.(?:ya?ml|json)$/.test(path.basename(place)) ? place : undefined;
}

/**
Plans the functions of a manifest.

@param envFile read instead of `.env` beside the manifest
@throws ConfigurationError with the mistakes of the file; CommandFailed when it cannot be read, or none of its functions is there
*/
export function planManifest(file: string, env: Environment, envFile: string | undefined): Plan {
  const root = path.dirname(file);
  const all = environmentOf({handlerPath: file, folder: root, isBinary: false, envFile}, env);
  const {functions, notes} = readServerless({name: path.relative('', file) || file, text: readText(file)}, all);
  const planned = functions.map(each => planFunction(each, {root, envFile, searchPath: all.PATH ?? ''}));
  const problems = planned.flatMap(each => {
    const found = each.find();
    return 'problem' in found ? [`${each.name}: ${found.problem}`] : [];
  });
  if (problems.length === planned.length) throw new CommandFailed(exit.misused, problems.join('\n'));
  return {functions: planned, notes, isAlone: planned.length === 1};
}

interface Around {
  readonly root: string;
  readonly envFile: string | undefined;
  readonly searchPath: string;
}

function planFunction(declared: ManifestFunction, around: Around): PlannedFunction {
  const {name, runtime, handler, isPrivate, variables} = declared;
  const {root, envFile, searchPath} = around;
  return {
    name,
    folder: root,
    signature: JSON.stringify(declared),
    find() {
      const found = findHandler({root, name, language: runtime.language, handler});
      if ('problem' in found) return found;
      const interpreter = interpreterOf(runtime, searchPath, runsAtAll);
      const own = {...variables, ...(interpreter !== undefined && {SCW_RUNTIME_BINARY: interpreter})};
      const decided = ['SCW_APPLICATION_NAME', 'SCW_HANDLER_PATH', 'SCW_HANDLER_NAME', ...(isPrivate ? ['SCW_PUBLIC'] : [])];
      return {...found, folder: root, name, envFile, isPrivate, variables: own, declared: [...decided, ...Object.keys(variables)]};
    },
  };
}

/** Longer than the longest manifest that is read. */
const mostBytes = 2 ** 22;

function readText(file: string): string {
  try {
    return readBounded(file, mostBytes);
  } catch (error) {
    throw new CommandFailed(exit.misused, `${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
