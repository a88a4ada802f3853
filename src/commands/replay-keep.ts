import {systemClock} from '../clock.ts';
import {askCore, messageOf, NoCore} from '../command/core-here.ts';
import {complain} from '../command/terminal.ts';
import type {FactTypes} from '../facts.ts';
import {JournalRefused} from '../journals/engine.ts';
import type {JournalPlace} from '../journals/index.ts';
import type {Environment} from '../settings/setting.ts';
import {openToAppend} from './journal-at.ts';

export type Comparison = FactTypes['replay.compared'];

/** A core takes twice as many at a time. */
const atOnce = 500;

/**
Writes the comparisons of a replay into the journal: itself when no core holds the journal, else through the core that
runs here. When they cannot be kept, that is reported on stderr and changes nothing else.
*/
export async function keepComparisons(comparisons: readonly Comparison[], journal: JournalPlace, env: Environment): Promise<void> {
  try {
    await append(comparisons, journal);
  } catch (error) {
    if (!isHeld(error)) return complainNotKept(error);
    await send(comparisons, env).catch(complainNotKept);
  }
}

async function append(comparisons: readonly Comparison[], place: JournalPlace): Promise<void> {
  await using journal = await openToAppend(place, systemClock);
  for (const batch of batches(comparisons)) {
    await Promise.all(batch.map(data => journal.append(`replay.${data.invocationId}`, [{type: 'replay.compared', data}])));
  }
}

async function send(comparisons: readonly Comparison[], env: Environment): Promise<void> {
  for (const batch of batches(comparisons)) {
    const {status, body} = await askCore(env, 'POST', '/api/replays', {body: JSON.stringify(batch)});
    if (status === 409)
      throw new NoCore('the core that answers here has another journal: set CORE_ADMIN_PORT to that of the one that runs');
    if (status !== 201) throw new NoCore(`the core that runs here did not take it (status ${status})${why(body)}`);
  }
}

const why = (body: Record<string, unknown> = {}) => (messageOf(body) === undefined ? '' : `: ${messageOf(body)}`);

const isHeld = (error: unknown) => error instanceof JournalRefused && error.reason === 'held';

function complainNotKept(error: unknown): void {
  complain(`what was found is not kept in the journal: ${error instanceof Error ? error.message : error}`);
}

function* batches<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += atOnce) yield all.slice(at, at + atOnce);
}
