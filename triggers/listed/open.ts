import {attempt} from '../../src/attempt.ts';
import {ConfigurationError} from '../../src/errors.ts';
import {LimitedLog} from '../../src/limits/limited-log.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {MessagesView} from '../../src/messages/view.ts';
import {closeAll, detailOf, problemOf} from '../../src/open-triggers.ts';
import type {ClaimingHouse, ListedHouse, ListedTrigger, OpenTrigger} from '../../src/trigger.ts';
import {CheckedDelivery} from './checked.ts';
import {checkDelivery, checkOpened} from './contract.ts';
import type {Entry} from './entries.ts';
import {loadTrigger} from './load.ts';
import {type Home, originOf} from './origin.ts';
import {fillSecrets} from './secrets.ts';

/** The triggers of the list. */
export interface OpenList extends OpenTrigger {
  /** What those for messages do now. */
  messages(): readonly MessagesView[];
}

interface OpenEntry extends OpenTrigger {
  readonly messages?: () => MessagesView;
}

/** Longest time that a trigger may take to open. One that waits for something opens at once, and says in `problem` for what. */
const openMs = 30_000;
/** How much longer than the grace time closing may take. */
const closeMs = 1000;

/**
Opens the triggers of a list, one after the other. Closing closes all at once.

@throws ConfigurationError with the first problem of each entry, before any is open
@throws Error that names the first that does not open
*/
export async function openEntries(entries: readonly Entry[], house: ClaimingHouse): Promise<OpenList> {
  refuseTakenNames(entries, house.kinds);
  const read = await readAll(entries, house);
  const opened = new Map<string, OpenEntry>();
  try {
    for (const each of read) opened.set(each.name, await openOne(each, house));
  } catch (error) {
    await closeInTime(opened, {...house, hurry: AbortSignal.abort()}).catch(() => {}); // the first error is the cause
    throw error;
  }
  return {
    messages: () => [...opened.values()].flatMap(({messages}) => messages?.() ?? []),
    problem: () => problemOf(opened),
    detail: () => detailOf(opened),
    originOf: error => originOf(error, read),
    [Symbol.asyncDispose]: () => closeInTime(opened, house),
  };
}

async function openOne({name, trigger, options, isOwn}: ReadEntry, house: ClaimingHouse): Promise<OpenEntry> {
  const late = Promise.withResolvers<never>();
  const stopTimer = house.clock.after(openMs, () => late.reject(new Error(`it has not opened within ${openMs / 1000} s`)));
  try {
    const open = await Promise.race([trigger.open(options, isOwn ? {...house, name} : lentTo(name, house)), late.promise]);
    checkOpened(open);
    return guarded(open);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`CORE_TRIGGERS: trigger \`${name}\` cannot be opened: ${why}`, {cause});
  } finally {
    stopTimer();
  }
}

/** When a package throws where it must not, that becomes a problem that /readyz shows, or a close that failed. */
function guarded(open: OpenTrigger): OpenEntry {
  return {
    ...(open instanceof Consumer && {messages: () => open.view()}),
    problem() {
      try {
        const problem: unknown = open.problem?.();
        return problem === undefined ? undefined : String(problem);
      } catch (error) {
        return `it cannot say whether it delivers: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    detail() {
      const detail: unknown = attempt(() => open.detail?.());
      return detail === undefined ? undefined : String(detail);
    },
    async [Symbol.asyncDispose]() {
      await open[Symbol.asyncDispose]();
    },
  };
}

/** Closes all at once. The core does not wait for triggers that have not closed soon after the grace time. */
async function closeInTime(opened: ReadonlyMap<string, OpenTrigger>, {hurry, clock, log}: ClaimingHouse): Promise<void> {
  const closed = new AbortController();
  const over = Promise.withResolvers<void>();
  const giveUp = async () => {
    if (!(await clock.sleep(closeMs, closed.signal))) return;
    log.error({}, 'A trigger of CORE_TRIGGERS has not closed: it is not waited for any longer');
    over.resolve();
  };
  if (hurry.aborted) void giveUp();
  else hurry.addEventListener('abort', giveUp, {once: true, signal: closed.signal});
  try {
    await Promise.race([closeAll(opened), over.promise]);
  } finally {
    closed.abort();
  }
}

/** The source of a delivery tells in the journal who delivered, so no entry may deliver as a trigger of the core does. */
function refuseTakenNames(entries: readonly Entry[], kinds: readonly string[]): void {
  const taken = entries.filter(({name}) => kinds.includes(name.split(':')[0] ?? ''));
  if (taken.length === 0) return;
  const rule = `expected \`name\` to be none of ${kinds.join(', ')}, which are triggers of the core, nor to begin with one and a colon`;
  throw new ConfigurationError(taken.map(({name}) => `CORE_TRIGGERS: trigger \`${name}\`: ${rule}`));
}

interface ReadEntry extends Home {
  readonly trigger: ListedTrigger;
  readonly isOwn: boolean;
  readonly options: unknown;
}

async function readAll(entries: readonly Entry[], {clock, env}: Pick<ClaimingHouse, 'clock' | 'env'>): Promise<ReadEntry[]> {
  const problems: string[] = [];
  const all: ReadEntry[] = [];
  for (const entry of entries) {
    try {
      const {trigger, folder, isOwn} = await loadTrigger(entry, clock);
      all.push({name: entry.name, folder, trigger, isOwn, options: readOptions(trigger, {...entry, options: fillSecrets(entry, env)})});
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return all;
}

function readOptions(trigger: ListedTrigger, {name, options}: Entry): unknown {
  const refuse = (problem: string) => new ConfigurationError([`CORE_TRIGGERS: trigger \`${name}\`: ${problem}`]);
  let read: unknown;
  try {
    read = trigger.read(options);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
  if (!(read instanceof Promise)) return read;
  read.catch(() => {}); // why it does is not waited for
  throw refuse('expected `trigger.read` to return what it has read, got a promise');
}

/** What a package delivers is checked: a mistake is reported to the trigger that made it. */
function lentTo(name: string, house: ClaimingHouse): ListedHouse {
  const checked = {name, budget: house.budget, log: new LimitedLog(house.log, house.clock)};
  return {
    ...house,
    name,
    async deliver(delivery, carrier) {
      checkDelivery(delivery, name);
      return house.deliver(new CheckedDelivery(delivery, checked), carrier);
    },
  };
}
