import {type AwaitedHouse, AwaitedJournal} from './awaited.ts';
import {isAway, type OpenedJournal} from './engine.ts';

/** How long a start waits for servers that neither answer nor refuse. */
const patienceMs = 10_000;

/**
Opens a journal that several cores share. When its servers are away, a core starts all the same: it gets a journal that refuses
what has to be kept, as one does whose servers went away later, and that opens once they are there.

@throws whatever `open` throws when the servers are there and refuse this core
*/
export async function openOrAwait(open: () => Promise<OpenedJournal>, house: AwaitedHouse): Promise<OpenedJournal> {
  const first = open();
  const inTime = new AbortController();
  let cause = `no server has answered within ${patienceMs / 1000} s`;
  try {
    const opened = await Promise.race([first, house.clock.sleep(patienceMs, inTime.signal)]);
    if (typeof opened === 'object') return opened;
  } catch (error) {
    if (!isAway(error)) throw error;
    cause = error.message;
  } finally {
    inTime.abort();
  }
  return new AwaitedJournal({first, open, cause}, house).opened;
}
