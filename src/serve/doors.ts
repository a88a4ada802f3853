import {closeAll, detailOf, originOf, problemOf} from '../open-triggers.ts';
import type {Protocol} from '../protocol.ts';
import {Refusal, type Route} from '../route.ts';
import {type Environment, parseSettings, type Settings} from '../settings/setting.ts';
import type {ClaimingHouse, House, OpenTrigger, TriggerPlugin} from '../trigger.ts';

type Trigger<H extends House> = Omit<TriggerPlugin<Settings, H>, 'runsBeside'> & {readonly runsBeside?: true | undefined};
type Table<H extends House> = Readonly<Record<string, Trigger<H>>>;

/** Every trigger, open. */
export interface OpenDoors extends AsyncDisposable {
  /** Where the function answers. */
  readonly url: string;
  /** The open triggers, by their names in the table. */
  readonly opened: ReadonlyMap<string, OpenTrigger>;
  /** Why one of them delivers nothing now; undefined when nothing is wrong. */
  problem(): string | undefined;
  /** What is wrong with any of them although the function can be called. */
  detail(): string | undefined;
  /** Of which trigger an error is that nothing caught; undefined when it is of the core. */
  originOf(error: unknown): string | undefined;
}

/**
Opens every trigger in the order of the table. The public port is first, so that a core that does not get it fires no
schedule. Closing closes all at once.
*/
export async function openDoors<H extends House>(table: Table<H>, env: Environment, house: H): Promise<OpenDoors> {
  const opened = new Map<string, OpenTrigger>();
  try {
    for (const [name, trigger] of Object.entries(table)) {
      opened.set(name, await trigger.open(parseSettings(trigger.settings, env), house));
    }
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  return {
    url: [...opened.values()].find(({url}) => url !== undefined)?.url ?? '',
    opened,
    problem: () => problemOf(opened),
    detail: () => detailOf(opened),
    originOf: error => originOf(opened, error),
    [Symbol.asyncDispose]: () => closeAll(opened),
  };
}

/** Those of the triggers that every process of a core opens. */
export function besideLeader(table: Table<ClaimingHouse>): Table<House> {
  const beside = Object.entries(table).filter(([, {runsBeside}]) => runsBeside);
  return Object.fromEntries(beside) as Table<House>; // only a trigger that claims nothing may declare it
}

/** Those that a process opens which does not lead, and has a journal of its own. */
export function besideWithJournal(table: Table<ClaimingHouse>): Table<ClaimingHouse> {
  return Object.fromEntries(Object.entries(table).filter(([, {runsBeside, claimsBeside}]) => runsBeside || claimsBeside));
}

/** True when one of the triggers, with its settings, relies on a journal that outlives the process. */
export function needJournal<H extends House>(table: Table<H>, env: Environment): boolean {
  return Object.values(table).some(trigger => trigger.needsJournal?.(parseSettings(trigger.settings, env)));
}

/**
What the triggers add to the private listener, which opens before they do.

@param doors gives the open triggers, once they are open
*/
export function triggerRoutes<H extends House>(table: Table<H>, doors: () => OpenDoors | undefined): Route[] {
  return Object.entries(table).flatMap(([name, trigger]) => trigger.routes?.(() => openedOf(name, doors())) ?? []);
}

/** @throws Refusal NOT_READY */
function openedOf(name: string, doors: OpenDoors | undefined): OpenTrigger {
  const opened = doors?.opened.get(name);
  if (!opened) throw new Refusal('NOT_READY', `the trigger ${name} is not open yet`, {headers: {'Retry-After': '1'}});
  return opened;
}

/** How requests come in, by what the protocol makes of them. */
export const doorOf = ({body, openHop}: Protocol) => ({passes: openHop !== undefined, bodies: body});
