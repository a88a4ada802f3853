import {pathToFileURL} from 'node:url';
import type {Clock} from '../../src/clock.ts';
import {ConfigurationError} from '../../src/errors.ts';
import type {ListedTrigger} from '../../src/trigger.ts';
import {contractProblem} from './contract.ts';
import type {Entry} from './entries.ts';
import {findPackage} from './find.ts';
import {messageSystems} from './systems.ts';

/** Longest time that a package may take to load: one that waits for something waits in `open`, or says so by `problem`. */
const loadMs = 30_000;

export interface LoadedTrigger {
  readonly trigger: ListedTrigger;
  /** Where its code is. */
  readonly folder: string;
  /** It came with the core, and is not a package. */
  readonly isOwn: boolean;
}

/**
Loads the package of an entry.

@throws ConfigurationError when there is no such package, it does not load in time, or it is not a trigger
*/
export async function loadTrigger({type, name}: Entry, clock: Clock): Promise<LoadedTrigger> {
  const own = Object.hasOwn(messageSystems, type) ? messageSystems[type] : undefined;
  if (own) return {trigger: (await own()) as ListedTrigger, folder: import.meta.dirname, isOwn: true};
  const refuse = (problem: string) => new ConfigurationError([`CORE_TRIGGERS: trigger \`${name}\`: ${problem}`]);
  let module: Record<string, unknown>;
  let problem: string | undefined;
  let folder: string;
  try {
    const here = process.cwd();
    const found = findPackage(type, here);
    if (!found)
      throw refuse(
        `expected \`type\` to be ${Object.keys(messageSystems).join(', ')}, or an installed package, got \`${type}\`: it is not found from ${here}`,
      );
    folder = found.folder;
    module = await importInTime(found.file, clock);
    problem = contractProblem(module);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw refuse(`the package \`${type}\` cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (problem !== undefined) throw refuse(`expected the package \`${type}\` to export a trigger: ${problem}`);
  return {trigger: module.trigger as ListedTrigger, folder, isOwn: false}; // the contract was checked
}

/** A module with a top-level `await` may never be loaded. */
async function importInTime(file: string, clock: Clock): Promise<Record<string, unknown>> {
  const late = Promise.withResolvers<never>();
  const stopTimer = clock.after(loadMs, () =>
    late.reject(new Error(`its module is not loaded within ${loadMs / 1000} s; a top-level \`await\` may wait for what does not come`)),
  );
  try {
    return await Promise.race([import(pathToFileURL(file).href), late.promise]);
  } finally {
    stopTimer();
  }
}
