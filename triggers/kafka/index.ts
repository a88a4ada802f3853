import {messageTrigger} from '../../src/messages/trigger.ts';

/** Topics of Apache Kafka, read by a consumer group. */
export const kafka = messageTrigger({
  type: 'kafka',

  read(options, terms) {
    const own = {
      brokers: options.texts('brokers', 'the address of a broker, such as kafka:9092'),
      topics: options.texts('topic', 'the name of a topic'),
      group: options.optionalText('group', 'the name of a consumer group') ?? 'core-runtime',
      from: options.oneOf('from', ['all', 'new'], 'all'),
      deadLetter: options.optionalText('deadLetter', 'the name of a topic'),
      tls: options.truth('tls'),
      ca: options.optionalText('ca', 'certificates in PEM'),
      user: options.optionalText('user', 'the name of a user'),
      password: options.optionalText('password', 'a text'),
      mechanism: options.oneOf('mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'PLAIN'),
      sessionMs: options.duration('session', 1000, 1_800_000) ?? 30_000,
    };
    if (!own.brokers.every(isAddress)) options.refuse('`brokers`: expected each address to be a host and a port, such as kafka:9092');
    if ((own.user === undefined) !== (own.password === undefined)) options.refuse('`user`: expected it together with `password`');
    if (own.ca !== undefined && !own.tls) options.refuse('`ca`: expected `tls` to be true with it');
    if (terms.attempts !== undefined && terms.ack === 'settled' && own.deadLetter === undefined)
      options.refuse('`deadLetter`: expected a topic for what has failed `attempts` times, as Kafka has no place for it');
    if (own.deadLetter !== undefined && own.topics.includes(own.deadLetter))
      options.refuse('`deadLetter`: expected a topic that is not among those that are read');
    return own;
  },

  async open(own) {
    const {connectKafka} = await import('./group.ts');
    return house => connectKafka(own, house);
  },
});

const isAddress = (text: string) => /^[^\s:/]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i.test(text);
