import type {Options} from '../../src/messages/options.ts';
import {messageTrigger} from '../../src/messages/trigger.ts';
import type {Address} from './connect.ts';

/** Streams of NATS JetStream, read by a pull consumer; without `stream`, subjects of NATS itself, shared by a queue group. */
export const nats = messageTrigger({
  type: 'nats',

  read(options, terms) {
    const address = readAddress(options);
    const stream = options.optionalText('stream', 'the name of a stream');
    const deadLetter = options.optionalText('deadLetter', 'a subject');
    if (deadLetter !== undefined && /[\s*>]/.test(deadLetter)) options.refuse('`deadLetter`: expected a subject without *, > and spaces');
    if (stream !== undefined && terms.attempts !== undefined && terms.ack === 'settled' && deadLetter === undefined)
      options.refuse('`deadLetter`: expected a subject for what has failed `attempts` times, as NATS has no place for it');
    if (stream !== undefined) return {address, stream: readStream(options, stream, deadLetter)};
    return {
      address,
      core: {
        subject: options.text('subject', 'a subject, such as orders.*, or `stream`, the name of a stream of JetStream'),
        queue: options.optionalText('queue', 'the name of a queue group') ?? 'core-runtime',
        deadLetter,
      },
    };
  },

  async open({address, stream, core}) {
    const {connectTo} = await import('./connect.ts');
    if (core) {
      const {openCore} = await import('./core.ts');
      return async house => openCore(await connectTo(address, house), core);
    }
    const {openStream} = await import('./stream.ts');
    return async house => openStream(await connectTo(address, house), stream, house);
  },
});

function readAddress(options: Options): Address {
  const servers = options.texts('url', 'the address of a server, such as nats://localhost:4222');
  if (servers.some(server => !/^(nats|tls):\/\/[^\s,]+$/.test(server)))
    options.refuse('`url`: expected each address to begin with nats:// or tls://');
  const user = options.optionalText('user', 'a text');
  const password = options.optionalText('password', 'a text');
  const token = options.optionalText('token', 'a text');
  const credentials = options.optionalText('credentials', 'the text of a file of credentials');
  const ways = [user, token, credentials].filter(way => way !== undefined);
  if (ways.length > 1) options.refuse('`user`, `token`, `credentials`: expected one of them');
  if (password !== undefined && user === undefined) options.refuse('`user`: expected one with `password`');
  return {servers, user, password, token, credentials};
}

function readStream(options: Options, name: string, deadLetter: string | undefined) {
  const consumer = options.optionalText('consumer', 'the name of a consumer') ?? 'core-runtime';
  for (const [member, given] of Object.entries({stream: name, consumer}))
    if (/[\s.*>/\\]/.test(given)) options.refuse(`\`${member}\`: expected a name without spaces and any of . * > / \\`);
  return {
    name,
    consumer,
    deadLetter,
    subject: options.optionalText('subject', 'a subject of the stream, such as orders.*'),
    from: options.oneOf('from', ['all', 'new'], 'all'),
    leaseMs: options.duration('lease', 1000, 3_600_000),
    pending: options.integer('pending', 1, 1_000_000),
  };
}
