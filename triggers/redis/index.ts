import {messageTrigger} from '../../src/messages/trigger.ts';

/** Streams of Redis, read by a consumer group. */
export const redis = messageTrigger({
  type: 'redis',

  read(options, terms) {
    const own = {
      url: options.text('url', 'the address of the server, such as redis://localhost:6379'),
      password: options.optionalText('password', 'a text'),
      stream: options.text('stream', 'the name of a stream'),
      group: options.optionalText('group', 'the name of a consumer group') ?? 'core-runtime',
      field: options.optionalText('field', 'the name of the field with the body') ?? 'body',
      deadLetter: options.optionalText('deadLetter', 'the name of a stream'),
      leaseMs: options.duration('lease', 1000, 3_600_000) ?? 30_000,
    };
    if (!/^rediss?:\/\//.test(own.url)) options.refuse('`url`: expected it to begin with redis:// or rediss://');
    if (terms.attempts !== undefined && terms.ack === 'settled' && own.deadLetter === undefined)
      options.refuse('`deadLetter`: expected a stream for what has failed `attempts` times, as Redis has no place for it');
    return own;
  },

  async open(own) {
    const {connectRedis} = await import('./stream.ts');
    return house => connectRedis(own, house);
  },
});
