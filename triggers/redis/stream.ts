import {createClient, RESP_TYPES} from '@redis/client';
import {Batches} from '../../src/messages/batches.ts';
import type {ConnectHouse, Connection, Inlet, Lag, Message} from '../../src/messages/message.ts';

export interface RedisOptions {
  readonly url: string;
  readonly password: string | undefined;
  readonly stream: string;
  readonly group: string;
  /** The field with the body. */
  readonly field: string;
  /** A stream. */
  readonly deadLetter: string | undefined;
  /** How long an entry that nobody has extended belongs to its consumer. */
  readonly leaseMs: number;
}

/** Longest wait of a read for new entries. */
const blockMs = 500;
/** A server that stands still is noticed after this time, as it is asked for a sign of life more often. */
const silentMs = 15_000;
const pingMs = 5000;
/** How often entries are looked for whose consumer has gone, or that were given back. */
const lookMs = 1000;
const mostLost = 100;
/** Entries that are acknowledged by one command. */
const mostAcks = 1000;
const nothingFailed: ReadonlyMap<number, Error> = new Map();

/** A consumer of a group. Entries of consumers that are gone are taken over when their lease is over. */
export async function connectRedis(options: RedisOptions, house: ConnectHouse): Promise<Connection> {
  const {url, password, stream, group, leaseMs} = options;
  const socket = {reconnectStrategy: false, connectTimeout: 5000, socketTimeout: silentMs} as const;
  const settings = {url, ...(password !== undefined && {password}), socket, pingInterval: pingMs};
  const client = createClient(settings);
  const reader = client.duplicate();
  const lost = Promise.withResolvers<never>();
  for (const each of [client, reader])
    each.on('error', (error: Error) => lost.reject(error)).on('end', () => lost.reject(new Error('the connection was closed')));
  const close = () => {
    for (const each of [client, reader]) if (each.isOpen) each.destroy();
  };
  lost.promise.catch(close); // what waits for an answer on the other one would wait for ever
  house.givenUp?.addEventListener('abort', close);
  const me = `${house.name}-${house.core}`;
  let isLeft = false;
  try {
    await Promise.all([client.connect(), reader.connect()]);
    await client.xGroupCreate(stream, group, '0', {MKSTREAM: true}).catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });
    if (options.deadLetter !== undefined) await checkStream(options.deadLetter);
  } catch (error) {
    close();
    throw error;
  }
  const binary = reader.withTypeMapping({[RESP_TYPES.BLOB_STRING]: Buffer});
  const acks = new Batches<string>(mostAcks, async ids => {
    await client.xAck(stream, group, [...ids]);
    return nothingFailed;
  });
  const entries = client.withTypeMapping({[RESP_TYPES.BLOB_STRING]: Buffer});

  return {
    extendMs: leaseMs / 3,

    async consume(inlet) {
      await Promise.race([readAll(inlet), lost.promise]);
    },

    async lag(): Promise<Lag | undefined> {
      const found = (await client.xInfoGroups(stream)).find(({name}) => name === group);
      if (!found) return undefined;
      const next = (await client.xRange(stream, `(${found['last-delivered-id']}`, '+', {COUNT: 1}))?.[0];
      return {count: Number(found.lag ?? 0), oldest: next && sentAt(next.id)};
    },

    async leave() {
      isLeft = true;
    },

    async [Symbol.asyncDispose]() {
      if (isLeft) return close(); // the next connection is the same consumer
      const pending = client.isOpen ? await client.xPending(stream, group).catch(() => undefined) : undefined;
      const hasNone = pending && !pending.consumers?.some(({name}) => name === me);
      if (hasNone) await client.xGroupDelConsumer(stream, group, me).catch(() => {}); // entries of one that is deleted are lost
      close();
    },
  };

  /** A transaction of Redis goes on behind a command that failed: an entry would be acknowledged that could not be put aside. */
  async function checkStream(key: string): Promise<void> {
    const type = await client.type(key).catch((error: Error) => {
      if (!error.message.startsWith('NOPERM')) throw error;
      return 'none'; // who may only add to it may not ask
    });
    if (type !== 'stream' && type !== 'none') throw new Error(`\`deadLetter\`: expected \`${key}\` to be a stream, and it is a ${type}`);
  }

  /** Both kinds of entries by turns, as both take of the same room: those that were delivered before are looked for when it is time. */
  async function readAll({signal, roomForMany, take}: Inlet): Promise<void> {
    let [lookAt, hasLooked, areMore] = [Number.NEGATIVE_INFINITY, false, false];
    for (let most = await roomForMany(); most > 0 && !signal.aborted; most = await roomForMany()) {
      const now = house.clock.monotonic();
      if (now >= lookAt && !hasLooked) {
        const wanted = Math.min(mostLost, most);
        const found = await readLost(wanted, take);
        areMore = found === wanted;
        lookAt = areMore ? now : now + lookMs;
        hasLooked = found > 0;
        if (hasLooked) continue;
      }
      hasLooked = false;
      await readNew(most, take, !areMore);
    }
  }

  async function readNew(COUNT: number, take: Inlet['take'], waits: boolean): Promise<void> {
    const read = await binary.xReadGroup(group, me, [{key: stream, id: '>'}], {COUNT, ...(waits && {BLOCK: blockMs})});
    for (const {messages} of (read ?? []) as unknown as {messages: Entry[]}[]) for (const entry of messages) void take(messageOf(entry, 1));
  }

  /** Entries that were delivered before, to a consumer that is gone or that gave them back. @returns how many there were */
  async function readLost(most: number, take: Inlet['take']): Promise<number> {
    const pending = await client.xPendingRange(stream, group, '-', '+', most, {IDLE: leaseMs});
    const times = new Map(pending.map(({id, deliveriesCounter}) => [String(id), Number(deliveriesCounter)]));
    if (times.size === 0) return 0;
    const claimed = (await entries.xClaim(stream, group, me, leaseMs, [...times.keys()])) as unknown as (Entry | null)[];
    for (const entry of claimed) if (entry) void take(messageOf(entry, (times.get(String(entry.id)) ?? 1) + 1));
    return times.size;
  }

  function messageOf({id: given, message}: Entry, attempt: number): Message {
    const id = String(given);
    const fields = new Map(Object.entries(message));
    const body = fields.get(options.field);
    const type = fields.get('content-type');
    const rest = [...fields].filter(([name]) => name !== options.field && name !== 'content-type');
    return {
      key: `${stream}/${id}`,
      sentAt: sentAt(id),
      body: body ?? Buffer.from(JSON.stringify(Object.fromEntries([...fields].map(([name, value]) => [name, String(value)])))),
      contentType: type ? String(type) : body ? '' : 'application/json',
      attributes: body ? rest.flatMap(([name, value]) => [name, String(value)]) : [],
      facts: {stream, entry: id},
      destination: stream,
      attempt,
      mayBeAgain: attempt > 1,
      accept: () => acks.add(id),
      async giveBack(afterMs) {
        await client.xClaimJustId(stream, group, me, 0, id, {IDLE: Math.max(0, Math.ceil(leaseMs - afterMs))}); // it counts no delivery
      },
      async extend() {
        await client.xClaimJustId(stream, group, me, 0, id);
      },
      ...(options.deadLetter !== undefined && {
        async bury(why: string) {
          const copy = Object.fromEntries([...fields].map(([name, value]) => [name, value]));
          await entries
            .multi()
            .xAdd(options.deadLetter ?? '', '*', {...copy, 'core-reason': why, 'core-entry': id} as never)
            .xAck(stream, group, id)
            .exec();
        },
      }),
    };
  }
}

interface Entry {
  readonly id: Buffer | string;
  readonly message: Record<string, Buffer>;
}

/** The first half of an id is the time of the server. */
const sentAt = (id: Buffer | string) => Number(String(id).split('-')[0]);
