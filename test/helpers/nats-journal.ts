import {randomUUID} from 'node:crypto';
import type {ExecutionContext} from 'ava';
import {type Clock, systemClock} from '../../src/clock.ts';
import {connectTo} from '../../src/journals/nats/connect.ts';
import {NatsJournal} from '../../src/journals/nats/journal.ts';
import {openStream} from '../../src/journals/nats/stream.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import type {Transport} from '../../src/journals/nats/transport.ts';
import type {Log} from '../../src/log.ts';
import {recordingLog, recordingMeter} from './fakes.ts';
import type {NatsCluster} from './nats.ts';
import {retention} from './sqlite-journal.ts';

/** Small, as the servers set aside what a stream may have. */
const maxBytes = 2 ** 26;

export interface NatsJournalTest {
  readonly application?: string;
  /** Puts something between the journal and its servers. */
  readonly wrap?: (transport: Transport) => Transport;
  readonly core?: string;
  readonly log?: Log;
  /** How long facts and payloads are kept. */
  readonly keptMs?: number;
}

/** The same connection, which asks in another way. */
export const asking = (transport: Transport, request: Transport['request']): Transport => ({
  request,
  get mostBytes() {
    return transport.mostBytes;
  },
  get isConnected() {
    return transport.isConnected;
  },
  get server() {
    return transport.server;
  },
  publish: (...given) => transport.publish(...given),
  gather: (...given) => transport.gather(...given),
  subscribe: (...given) => transport.subscribe(...given),
  onChange: tell => transport.onChange(tell),
  onBreak: tell => transport.onBreak(tell),
  change: proves => transport.change(proves),
  close: () => transport.close(),
});

/** Opens the journal of an application of its own. Wall time is the test's; waiting is real, as the servers are. */
export async function natsJournal(
  _t: ExecutionContext,
  {hosts}: NatsCluster,
  clock: Clock,
  {application = randomUUID(), wrap = same => same, core, log = recordingLog(), keptMs}: NatsJournalTest = {},
): Promise<NatsJournal> {
  const transport = await connectTo({servers: hosts.split(',')});
  const subjects = subjectsOf(application);
  const mixed: Clock = {...systemClock, now: () => clock.now()};
  const patience = {clock: mixed, closing: new AbortController().signal};
  const kept = {...retention, maxBytes, ...(keptMs !== undefined && {factsMs: keptMs, payloadsMs: keptMs})};
  await openStream(transport, subjects, {retention: kept, hosts: hosts.split(',').length, patience});
  const house = {clock: mixed, log, meter: recordingMeter(), ...(core !== undefined && {core})};
  const journal = new NatsJournal({transport: wrap(transport), subjects, retention: kept, durability: 'replicated'}, house);
  await journal.begin();
  return journal;
}
