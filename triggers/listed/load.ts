import {createRequire} from 'node:module';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {ConfigurationError} from '../../src/errors.ts';
import type {ListedTrigger} from '../../src/trigger.ts';
import {contractProblem} from './contract.ts';
import type {Entry} from './entries.ts';

/**
Loads the package of an entry: from the working directory, or else from what is installed beside the core.

@throws ConfigurationError when there is no such package, or it is not a trigger
*/
export async function loadTrigger({type, name}: Entry): Promise<ListedTrigger> {
  const refuse = (problem: string) => {
    throw new ConfigurationError([`CORE_TRIGGERS: trigger \`${name}\`: ${problem}`]);
  };
  let module: Record<string, unknown>;
  let problem: string | undefined;
  try {
    const file =
      find(type) ?? refuse(`expected \`type\` to be an installed package, got \`${type}\`: it is not found from ${process.cwd()}`);
    module = await import(pathToFileURL(file).href);
    problem = contractProblem(module);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse(`the package \`${type}\` cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (problem !== undefined) refuse(`expected the package \`${type}\` to export a trigger: ${problem}`);
  return module.trigger as ListedTrigger; // the contract was checked
}

/** @throws Node's error for a package that exists, but does not export this entry */
function find(type: string): string | undefined {
  for (const from of [resolve('from-here.js'), import.meta.filename]) {
    try {
      return createRequire(from).resolve(type);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      // It may be in the next place.
    }
  }
  return undefined;
}
