import {messageTrigger} from '../../src/messages/trigger.ts';

/** Queues of RabbitMQ, or of another broker that speaks AMQP 0-9-1. */
export const amqp = messageTrigger({
  type: 'amqp',

  read(options, terms) {
    const own = {
      urls: options.texts('url', 'the address of the broker, such as amqp://user@localhost:5672'),
      password: options.optionalText('password', 'a text'),
      queue: options.text('queue', 'the name of a queue'),
      deadLetter: options.optionalText('deadLetter', 'the name of a queue'),
      deadLetterExchange: options.optionalText('deadLetterExchange', 'the name of an exchange'),
      rejects: options.truth('rejects'),
      countsItself: terms.attempts !== undefined,
    };
    if (!own.urls.every(isAddress))
      options.refuse('`url`: expected it to begin with amqp:// or amqps://, with what is special in a name written as %20 is');
    const places = [own.deadLetter, own.deadLetterExchange, own.rejects || undefined].filter(place => place !== undefined).length;
    if (places > 1) options.refuse('expected only one of `deadLetter`, `deadLetterExchange` and `rejects`');
    if (places === 0 && terms.attempts !== undefined && terms.ack === 'settled') {
      options.refuse(
        '`attempts`: expected `rejects: true`, if the queue has a dead letter exchange, or else a queue in `deadLetter`, for what has failed so often',
      );
    }
    return own;
  },

  async open(own) {
    const {connectAmqp} = await import('./queue.ts');
    let turn = 0;
    return (house, most) => connectAmqp({...own, url: own.urls[turn++ % own.urls.length] ?? ''}, house, most);
  },
});

function isAddress(url: string): boolean {
  if (!/^amqps?:\/\//.test(url) || !URL.canParse(url)) return false;
  try {
    const {username, password, pathname} = new URL(url);
    return [username, password, pathname].every(part => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}
