import {existsSync} from 'node:fs';
import path from 'node:path';
import {CommandFailed} from '../../command/failure.ts';
import {shellWord} from '../../command/shell-word.ts';
import {exit} from '../../exit.ts';
import {findFunction} from '../find.ts';
import type {Plan, PlannedFunction} from './plan.ts';

/** More functions than a machine of one person runs side by side. */
const mostFunctions = 50;

/**
Plans the functions of several paths, such as `api/ jobs/handler.py`. Each is called like its folder, or like its file where the
file has a name of its own; `orders=api/` gives it another name.

@throws CommandFailed when a path leads to no function, or two functions have one name
*/
export function planPaths(given: readonly string[], cwd: string): Plan {
  if (given.length > mostFunctions) throw refusal(`expected at most ${mostFunctions} functions, got ${given.length}`);
  const functions = given.map(each => planPath(each, cwd));
  for (const [index, {name}] of functions.entries()) {
    const earlier = functions.findIndex(other => other.name.toLowerCase() === name.toLowerCase());
    if (earlier === index) continue;
    const both = [given[earlier], given[index]].map(each => `\`${each}\``).join(' and ');
    throw refusal(`${both} are both called ${name}: give one another name, as in \`${shellWord(`${name}-2=${given[index]}`)}\``);
  }
  return {functions, notes: [], isAlone: false};
}

function planPath(given: string, cwd: string): PlannedFunction {
  const {name: chosen, place} = readNamed(given, cwd);
  const found = findFunction(place, cwd);
  const name = chosen ?? nameOf(found.handlerPath, found.folder);
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(name)) {
    throw refusal(`\`${name}\` cannot be part of an address: give the function another name, as in \`${shellWord(`api=${place}`)}\``);
  }
  return {name, folder: found.folder, signature: place, find: () => findAgain(place, cwd, name)};
}

/** `name=path`, unless a file is called like that. */
function readNamed(given: string, cwd: string): {name?: string; place: string} {
  const [, name, place] = /^([^=/\\]+)=(.+)$/s.exec(given) ?? [];
  return name === undefined || place === undefined || existsSync(path.resolve(cwd, given)) ? {place: given} : {name, place};
}

/** `api/handler.js` is `api`, and so is `api`; `jobs/report.py` is `report`. */
function nameOf(handlerPath: string, folder: string): string {
  const {name} = path.parse(handlerPath);
  return ['handler', 'index', 'main', 'bootstrap'].includes(name) ? path.basename(folder) : name;
}

function findAgain(place: string, cwd: string, name: string) {
  try {
    return {...findFunction(place, cwd), name};
  } catch (error) {
    if (error instanceof CommandFailed) return {problem: error.message};
    throw error;
  }
}

const refusal = (message: string) => new CommandFailed(exit.misused, message);
