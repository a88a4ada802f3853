import {readFile} from 'node:fs/promises';
import {Fault} from '../../errors.ts';
import {type Capabilities, type JournalHouse, JournalRefused, type OpenedJournal, type Retention} from '../engine.ts';
import {connectTo, isAbsent} from './connect.ts';
import type {Info} from './copies.ts';
import {NatsJournal} from './journal.ts';
import {type NatsPlace, parsePlace} from './place.ts';
import {openStream} from './stream.ts';
import {subjectsOf} from './subjects.ts';
import {Syncing} from './syncing.ts';
import {Away, type Transport} from './transport.ts';
import {isOlder, oldest} from './version.ts';
import {mostEntries} from './writing.ts';

/** Of pieces of half a mebibyte, with some left for facts. */
const mostPayloadBytes = (mostEntries - 100) * 2 ** 19;

/** Opens the journal of an application, and makes its stream if it does not exist. @throws JournalRefused */
export async function openNats(place: string, retention: Retention, house: JournalHouse): Promise<OpenedJournal> {
  const {hosts, application, synced: given, ...access} = placeOf(place);
  const transport = await connected({hosts, ...access});
  try {
    const subjects = subjectsOf(application);
    const patience = {clock: house.clock, closing: new AbortController().signal};
    const {num_replicas: replicas} = await openStream(transport, subjects, {retention, hosts: hosts.length, patience});
    const syncing = new Syncing({...house, given, hosts, replicas});
    await syncing.begin();
    transport.onBreak(() => void syncing.look());
    const options = {
      transport,
      subjects,
      retention,
      heard: (info: Info) => syncing.heard(info),
      get durability() {
        return syncing.durability;
      },
    };
    const journal = new NatsJournal(options, house);
    await journal.begin();
    tellLess(house, replicas, syncing);
    tellOlder(house, [[transport.server.name, transport.server.version], ...syncing.versions]);
    return {
      journal,
      can: {
        get durability() {
          return syncing.durability;
        },
        get synced() {
          return syncing.synced;
        },
        payloadBytes: mostPayloadBytes,
      },
      cores: journal.cores,
      health: () => ({
        isConnected: transport.isConnected,
        copies: journal.copies.now,
        sweptAgoMs: journal.sweeper.sweptAgoMs,
        changes: journal.majority.changes,
        synced: syncing.seen,
      }),
      get isDurable() {
        return journal.isDurable;
      },
    };
  } catch (error) {
    transport.onChange(() => {}); // it was never open, so nobody is told that it is away
    await transport.close();
    throw refusalOf(error);
  }
}

/** Servers that are there, and of which no majority answers, are away. */
function refusalOf(error: unknown): unknown {
  if (error instanceof Away) return new JournalRefused('away', error.message);
  if (!(error instanceof Fault) || error.code !== 'JOURNAL_FAILED') return error;
  const {message, cause} = error.cause instanceof Error ? error.cause : error;
  return new JournalRefused('away', cause instanceof Error ? `${message}: ${cause.message}` : message);
}

/** @throws JournalRefused */
export async function connected({hosts, credentials, ...access}: Omit<NatsPlace, 'application' | 'synced'>): Promise<Transport> {
  try {
    const file = credentials === undefined ? undefined : await readFile(credentials);
    return await connectTo({servers: hosts, ...access, credentials: file});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new JournalRefused(isAbsent(error) ? 'away' : 'unwritable', `no server lets this core in at ${hosts.join(', ')}: ${why}`);
  }
}

export function placeOf(place: string): NatsPlace {
  const parsed = parsePlace(place);
  if (!parsed) throw new TypeError('Expected the place of a journal in NATS');
  return parsed;
}

/** Says what keeps receipts from promising that facts survive the loss of a machine. */
function tellLess({log}: JournalHouse, replicas: number, {durability, synced}: Pick<Capabilities, 'durability' | 'synced'>): void {
  if (durability === 'replicated') return;
  const fields = {durability, replicas, synced};
  if (synced === 'no') {
    log.warn(
      fields,
      'The NATS servers are not seen to sync each write, so what is acknowledged may be lost with their machines: set `sync_interval: always`, and CORE_JOURNAL_SYNCED if they are not watched at port 8222',
    );
  } else log.warn(fields, 'One NATS server keeps the journal, which is for development: three are needed to survive the loss of one');
}

/** The API of a server does not say all: those of one API differ in faults that are mended. */
function tellOlder({log}: JournalHouse, versions: readonly (readonly [name: string, version: string])[]): void {
  const older = versions.filter(([, version]) => isOlder(version));
  if (older.length === 0) return;
  log.warn(
    {servers: Object.fromEntries(older)},
    `NATS ${oldest} or later is needed: these servers are older, and lack corrections of how servers agree on what is kept`,
  );
}
