import path from 'node:path';
import {readBounded} from '../../bounded-file.ts';
import {CommandFailed} from '../../command/failure.ts';
import {exit} from '../../exit.ts';
import {type Environment, shown} from '../../settings/setting.ts';
import type {Plan, PlannedFunction} from '../several/plan.ts';
import {environmentOf} from '../wish.ts';
import {findHandler} from './handler.ts';
import type {ManifestFunction} from './manifest.ts';
import {runsAtAll} from './probe.ts';
import {readServerless} from './read.ts';
import {interpreterOf} from './runtimes.ts';

/**
Plans the functions of a manifest.

@param envFile read instead of `.env` beside the manifest
@throws ConfigurationError with the mistakes of the file; CommandFailed when it cannot be read, or none of its functions is there
*/
export function planManifest(file: string, env: Environment, envFile: string | undefined): Plan {
  const {functions, notes} = planAll(file, env, {envFile});
  const problems = functions.flatMap(each => {
    const found = each.find();
    return 'problem' in found ? [`${each.name}: ${found.problem}`] : [];
  });
  if (problems.length === functions.length) throw new CommandFailed(exit.misused, problems.join('\n'));
  return {functions, notes, isAlone: functions.length === 1};
}

/**
Plans one function of a manifest. The notes are about this function and what all share.

@param name may be left out where the manifest has one function
@throws ConfigurationError with the mistakes of the file; CommandFailed when it cannot be read, has no such function, or has
several and none is named
*/
export function planOne(file: string, env: Environment, {name, envFile}: {name?: string | undefined; envFile?: string | undefined}) {
  const {functions, notes} = planAll(file, env, {envFile, only: name});
  const names = functions.map(each => each.name);
  const [first] = functions;
  const planned = name === undefined && functions.length === 1 ? first : functions.find(each => each.name === name);
  if (planned !== undefined) return {planned, notes};
  const listed = names.join(', ');
  if (name !== undefined)
    throw new CommandFailed(exit.misused, `--name: expected a function of ${shortOf(file)} (${listed}), got \`${shown(name)}\``);
  throw new CommandFailed(exit.misused, `${shortOf(file)} has several functions: ${listed}. Choose one, as in \`--name ${names[0]}\``);
}

/** Names of the functions of a manifest that have their code in this file. @throws ConfigurationError, CommandFailed */
export function namesOf(handlerPath: string, file: string, env: Environment): string[] {
  const {root, functions} = read(file, env, {});
  return functions.flatMap(({name, runtime: {language}, handler}) => {
    const found = findHandler({root, name, language, handler});
    return 'problem' in found || found.handlerPath !== handlerPath ? [] : [name];
  });
}

interface Reading {
  readonly envFile?: string | undefined;
  /** Notes about other functions than this one are left out. */
  readonly only?: string | undefined;
}

function planAll(file: string, env: Environment, reading: Reading): Pick<Plan, 'functions' | 'notes'> {
  const {root, searchPath, functions, notes} = read(file, env, reading);
  return {functions: functions.map(each => planFunction(each, {root, envFile: reading.envFile, searchPath})), notes};
}

function read(file: string, env: Environment, {envFile, only}: Reading) {
  const root = path.dirname(file);
  const all = environmentOf({handlerPath: file, folder: root, isBinary: false, envFile}, env);
  return {root, searchPath: all.PATH ?? '', ...readServerless({name: shortOf(file), text: readText(file)}, all, only)};
}

/** From where the command was started. */
const shortOf = (file: string) => path.relative('', file) || file;

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
