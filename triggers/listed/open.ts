import {ConfigurationError} from '../../src/errors.ts';
import {closeAll, problemOf} from '../../src/open-triggers.ts';
import type {ClaimingHouse, ListedHouse, ListedTrigger, OpenTrigger} from '../../src/trigger.ts';
import {checkDelivery, checkOpened} from './contract.ts';
import type {Entry} from './entries.ts';
import {loadTrigger} from './load.ts';

/**
Opens the triggers of a list, one after the other. Closing closes all at once.

@throws ConfigurationError with the first problem of each entry, before any is open
*/
export async function openEntries(entries: readonly Entry[], house: ClaimingHouse): Promise<OpenTrigger> {
  const read = await readAll(entries);
  const opened = new Map<string, OpenTrigger>();
  try {
    for (const {name, trigger, options} of read) {
      const open = await trigger.open(options, lentTo(name, house));
      checkOpened(open);
      opened.set(name, open);
    }
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  return {
    problem: () => problemOf(opened),
    [Symbol.asyncDispose]: () => closeAll(opened),
  };
}

interface ReadEntry {
  readonly name: string;
  readonly trigger: ListedTrigger;
  readonly options: unknown;
}

async function readAll(entries: readonly Entry[]): Promise<ReadEntry[]> {
  const problems: string[] = [];
  const all: ReadEntry[] = [];
  for (const entry of entries) {
    try {
      const trigger = await loadTrigger(entry);
      all.push({name: entry.name, trigger, options: readOptions(trigger, entry)});
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return all;
}

function readOptions(trigger: ListedTrigger, {name, options}: Entry): unknown {
  try {
    return trigger.read(options);
  } catch (cause) {
    throw new ConfigurationError([`CORE_TRIGGERS: trigger \`${name}\`: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

/** What it delivers is checked: a mistake is reported to the trigger that made it. */
function lentTo(name: string, house: ClaimingHouse): ListedHouse {
  return {
    ...house,
    name,
    async deliver(delivery, carrier) {
      checkDelivery(delivery);
      return house.deliver(delivery, carrier);
    },
  };
}
