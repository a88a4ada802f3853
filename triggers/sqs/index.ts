import {messageTrigger} from '../../src/messages/trigger.ts';

/** Queues of Amazon SQS, and of servers that speak its protocol: Scaleway, ElasticMQ. */
export const sqs = messageTrigger({
  type: 'sqs',

  read(options, terms) {
    const queue = options.text('queue', 'the URL of a queue');
    const own = {
      queue,
      endpoint: options.optionalText('endpoint', 'the URL of the service'),
      region: options.optionalText('region', 'a region, such as fr-par') ?? regionOf(queue),
      accessKeyId: options.optionalText('accessKeyId', 'the id of an access key'),
      secretAccessKey: options.optionalText('secretAccessKey', 'the secret of an access key'),
      sessionToken: options.optionalText('sessionToken', 'the token of a session'),
      deadLetter: options.optionalText('deadLetter', 'the URL of a queue'),
      leaseMs: options.duration('lease', 2000, 43_200_000) ?? 30_000,
    };
    for (const name of ['queue', 'endpoint', 'deadLetter'] as const) {
      const given = own[name];
      if (given && !isWebAddress(given)) options.refuse(`\`${name}\`: expected a URL that begins with https:// or http://`);
    }
    if ((own.accessKeyId === undefined) !== (own.secretAccessKey === undefined))
      options.refuse('`accessKeyId`: expected it together with `secretAccessKey`');
    if (own.sessionToken !== undefined && own.accessKeyId === undefined)
      options.refuse('`sessionToken`: expected it together with `accessKeyId`');
    if (terms.attempts !== undefined && terms.ack === 'settled' && own.deadLetter === undefined)
      options.refuse('`attempts`: expected `deadLetter` with it; without both, the redrive policy of the queue counts the attempts');
    return own;
  },

  async open(own) {
    const {connectQueue} = await import('./queue.ts');
    return house => connectQueue(own, house);
  },
});

function isWebAddress(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

/** Hosts of Amazon and of Scaleway name their region. */
function regionOf(queue: string): string | undefined {
  const host = URL.parse(queue)?.hostname ?? '';
  return (/^sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(host) ?? /^sqs\.mnq\.([a-z0-9-]+)\.scaleway\.com$/.exec(host))?.[1];
}
