import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type {Msg, NatsConnection} from '@nats-io/transport-node';
import {Batches} from '../../src/messages/batches.ts';
import type {ConnectHouse, Connection, Inlet, Lag, Message} from '../../src/messages/message.ts';
import {attributesOf, type Connected} from './connect.ts';
import {deadLetterOf} from './dead-letter.ts';
import {deliveredOf} from './delivered.ts';
import {Pulls} from './pull.ts';

export interface StreamOptions {
  readonly name: string;
  /** A durable consumer, which is made when it does not exist. */
  readonly consumer: string;
  /** Of the stream's subjects those that are taken; undefined for all. */
  readonly subject: string | undefined;
  /** Where a new consumer begins. */
  readonly from: 'all' | 'new';
  /** How long a message that nobody has extended belongs to who got it; undefined for that of the consumer. */
  readonly leaseMs: number | undefined;
  /** Most messages of the consumer that are handed out; undefined for that of the consumer. */
  readonly pending: number | undefined;
  /** A subject that a stream takes. */
  readonly deadLetter: string | undefined;
}

const defaultLeaseMs = 30_000;
/** Failed messages that wait for their next attempt count, too: so these are many more than run at a time. */
const defaultPending = 10_000;
/** Pulls that may fail in a row, as in the election of a leader. */
const mostFailedPulls = 8;
const pauseMs = 250;
const nanosPerMs = 1_000_000;
/** Acknowledgements that the server is asked about at once. */
const mostAcks = 1000;

/** A pull consumer with explicit acknowledgements. @throws Error when the stream is not there, or the consumer is of another kind */
export async function openStream(connected: Connected, options: StreamOptions, house: ConnectHouse): Promise<Connection> {
  const {client, lost, close} = connected;
  try {
    const manager = await jetstreamManager(client, {checkAPI: false});
    const info = await readyConsumer(manager, options, house);
    if (options.deadLetter !== undefined) await checkDeadLetter(manager, options.deadLetter);
    const {ack_wait: leaseNs = defaultLeaseMs * nanosPerMs, backoff = []} = info.config;
    const hand: Hand = {client, jetStream: jetstream(client), acks: acksOf(connected), deadLetter: options.deadLetter};
    return {
      extendMs: Math.max(100, Math.min(leaseNs, ...backoff) / nanosPerMs / 3),
      async consume(inlet) {
        const pulls = new Pulls(client, house.clock, {stream: options.name, consumer: info.name}, message => {
          void inlet.take(messageOf(message, hand));
        });
        try {
          await Promise.race([pullAll(pulls, inlet, house), lost]);
        } finally {
          pulls.close();
        }
      },
      lag: () => lagOf(manager, options),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** How the server is told what becomes of messages. */
interface Hand {
  readonly client: NatsConnection;
  readonly jetStream: JetStreamClient;
  readonly acks: Batches<string>;
  readonly deadLetter: string | undefined;
}

/** One answer of the server says that it has all that was sent before: an answer for each costs more than an acknowledgement. */
function acksOf({client, flush}: Connected): Batches<string> {
  return new Batches(mostAcks, async subjects => {
    for (const subject of subjects) client.publish(subject, '+ACK');
    await flush();
    return nothingFailed;
  });
}

const nothingFailed: ReadonlyMap<number, Error> = new Map();

async function pullAll(pulls: Pulls, {signal, roomForMany, roomBytes}: Inlet, {clock}: ConnectHouse): Promise<void> {
  let isTooLarge = false;
  for (let failed = 0; !signal.aborted; ) {
    const most = await roomForMany();
    if (most === 0) return;
    try {
      // What comes while the trigger closes is given back at once: so a pull is waited for, and ends soon.
      isTooLarge = (await (isTooLarge ? pulls.pull(1, undefined) : pulls.pull(most, Math.max(1, roomBytes())))) === 'tooLarge';
      failed = 0;
    } catch (error) {
      if (++failed >= mostFailedPulls) throw error;
      await clock.sleep(pauseMs, signal);
    }
  }
}

function messageOf(message: Msg, {client, jetStream, acks, deadLetter}: Hand): Message {
  const {reply: ack = ''} = message;
  const {stream, consumer, times, sequence, sentAt} = deliveredOf(message);
  const id = `${stream}/${sequence}`;
  return {
    key: id,
    sentAt,
    body: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
    ...attributesOf(message),
    facts: {stream, subject: message.subject, sequence},
    destination: message.subject,
    attempt: times,
    mayBeAgain: true, // a server that was killed may have forgotten what it has delivered
    accept: () => acks.add(ack),
    async giveBack(afterMs) {
      client.publish(ack, afterMs > 0 ? `-NAK {"delay":${Math.ceil(afterMs) * nanosPerMs}}` : '-NAK');
    },
    async extend() {
      client.publish(ack, '+WPI');
    },
    ...(deadLetter !== undefined && {
      async bury(why: string) {
        const {headers, data, hasRoom} = deadLetterOf(message, {id, why}, client.info?.max_payload ?? 2 ** 20);
        await jetStream.publish(deadLetter, data, {headers, ...(hasRoom && {msgID: `${consumer}/${id}`})});
        client.publish(ack, `+TERM ${why}`);
      },
    }),
  };
}

async function readyConsumer(manager: JetStreamManager, options: StreamOptions, {log, name}: ConnectHouse): Promise<ConsumerInfo> {
  const {name: stream, consumer, subject, from, leaseMs, pending} = options;
  const found = await manager.consumers.info(stream, consumer).catch((error: Error) => {
    if (error.name === 'StreamNotFoundError' || /stream not found/.test(error.message)) throw new Error(`there is no stream \`${stream}\``);
    if (error.name === 'ConsumerNotFoundError' || /consumer not found/.test(error.message)) return undefined;
    throw error;
  });
  if (!found) {
    return manager.consumers.add(stream, {
      durable_name: consumer,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: from === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
      ack_wait: (leaseMs ?? defaultLeaseMs) * nanosPerMs,
      max_ack_pending: pending ?? defaultPending,
      max_deliver: -1,
      ...(subject !== undefined && {filter_subject: subject}),
    });
  }
  const {config} = found;
  const refuse = (what: string) => new Error(`the consumer \`${consumer}\` ${what}: name another one in \`consumer\``);
  if (config.deliver_subject !== undefined) throw refuse('pushes, and is not pulled from');
  if (config.ack_policy !== AckPolicy.Explicit) throw refuse(`has the acknowledgement \`${config.ack_policy}\`, and not \`explicit\``);
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  if (subject !== undefined && !(filters.length === 1 && filters[0] === subject))
    throw refuse(`takes ${filters.join(', ') || 'every subject'}, and not ${subject}`);
  if ((config.max_deliver ?? -1) > 0) {
    const fields = {trigger: name, consumer, maxDeliver: config.max_deliver};
    log.warn(fields, 'The consumer has `max_deliver`: messages that have failed so often stay in the stream, and nobody gets them');
  }
  const changed = {
    ...(leaseMs !== undefined && leaseMs * nanosPerMs !== config.ack_wait && {ack_wait: leaseMs * nanosPerMs}),
    ...(pending !== undefined && pending !== config.max_ack_pending && {max_ack_pending: pending}),
  };
  return Object.keys(changed).length === 0 ? found : manager.consumers.update(stream, consumer, changed);
}

async function checkDeadLetter(manager: JetStreamManager, subject: string): Promise<void> {
  await manager.streams.find(subject).catch((error: Error) => {
    throw new Error(`no stream takes the subject \`${subject}\` of \`deadLetter\`: ${error.message}`);
  });
}

async function lagOf(manager: JetStreamManager, {name, consumer}: StreamOptions): Promise<Lag> {
  const {num_pending: count, delivered, config} = await manager.consumers.info(name, consumer);
  if (count === 0 || (config.filter_subjects?.length ?? 0) > 1) return {count};
  const query = {seq: delivered.stream_seq + 1, next_by_subj: config.filter_subject || '>'}; // the servers know it, the types do not
  const next = await manager.streams.getMessage(name, query);
  return {count, oldest: next?.time.getTime()};
}
