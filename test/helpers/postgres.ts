import {randomUUID} from 'node:crypto';
import test from 'ava';
import type {Clock} from '../../src/clock.ts';
import {PostgresJournal} from '../../src/journals/postgres/journal.ts';
import {ManualClock} from './clock.ts';
import {recordingLog, recordingMeter} from './fakes.ts';
import {type PostgresServer, postgresMissing, startPostgres} from './postgres-server.ts';

export {type PostgresServer, schemaOf} from './postgres-server.ts';

const hour = 3_600_000;
const retention = {factsMs: 7 * 24 * hour, payloadsMs: 24 * hour, maxBytes: 2 ** 30};

/** Declares tests that need a server, with one; without PostgreSQL one that says why it is skipped. */
export async function withPostgres(about: string, declare: (server: PostgresServer) => void): Promise<void> {
  const missing = await postgresMissing();
  if (missing !== undefined) return test.skip(`${about}: ${missing}`, () => {});
  const server = await startPostgres();
  test.after.always(() => server[Symbol.asyncDispose]());
  declare(server);
}

/** What a core has of it. */
export function openPostgres(
  place: string,
  clock: Clock = new ManualClock(),
  core = `core-${randomUUID()}`,
  keep: Partial<typeof retention> = {},
) {
  const house = {clock, log: recordingLog(), meter: recordingMeter(), core};
  return Object.assign(PostgresJournal.open(place, {...retention, ...keep}, house), house); // what it said
}
