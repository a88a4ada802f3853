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
  const file = find(type) ?? refuse(`expected \`type\` to be an installed package, got \`${type}\`: it is not found from ${process.cwd()}`);
  let module: Record<string, unknown>;
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    return refuse(`the package \`${type}\` cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = contractProblem(module);
  if (problem !== undefined) refuse(`expected the package \`${type}\` to export a trigger: ${problem}`);
  return module.trigger as ListedTrigger; // the contract was checked
}

function find(type: string): string | undefined {
  for (const from of [resolve('from-here.js'), import.meta.filename]) {
    try {
      return createRequire(from).resolve(type);
    } catch {
      // The next place may have it.
    }
  }
  return undefined;
}
