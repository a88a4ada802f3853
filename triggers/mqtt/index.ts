import {messageTrigger} from '../../src/messages/trigger.ts';

const dayMs = 86_400_000;

/** Topics of a broker that speaks MQTT 5 or 3.1.1. */
export const mqtt = messageTrigger({
  type: 'mqtt',

  read(options, terms) {
    const group = options.optionalText('group', 'the name of a shared subscription');
    const own = {
      urls: options.texts('url', 'the address of the broker, such as mqtt://localhost:1883'),
      user: options.optionalText('user', 'a text'),
      password: options.optionalText('password', 'a text'),
      version: options.oneOf('version', ['5', '3.1.1'], '5'),
      clientId: options.text('clientId', 'a name that this core keeps when it starts again, and no other client has'),
      topics: options.texts('topic', 'a topic filter, such as orders/#'),
      group,
      order: options.oneOf('order', ['topic', 'none'], group === undefined ? 'topic' : 'none'),
      sessionMs: options.duration('session', 1000, 365 * dayMs) ?? dayMs,
      idProperty: options.optionalText('idProperty', 'the name of a user property') ?? 'message-id',
      deadLetter: options.optionalText('deadLetter', 'a topic'),
    };
    if (!own.urls.every(url => /^mqtts?:\/\/[^/@?#]+\/?$/.test(url) && URL.canParse(url)))
      options.refuse('`url`: expected mqtt:// or mqtts://, a host and a port; who connects stands in `user` and `password`');
    if (own.topics.some(topic => topic.startsWith('$share/')))
      options.refuse('`topic`: expected it without $share/: the name of a shared subscription stands in `group`');
    if (own.topics.some(topic => !isFilter(topic)))
      options.refuse('`topic`: expected # only at the end, and + and # only as whole levels, such as orders/+/new/#');
    if (own.deadLetter !== undefined && /[+#]/.test(own.deadLetter)) options.refuse('`deadLetter`: expected a topic without + and #');
    if (group !== undefined && /[/+#]/.test(group)) options.refuse('`group`: expected a name without /, + and #');
    if (terms.attempts !== undefined && terms.ack === 'settled' && own.deadLetter === undefined)
      options.refuse('`deadLetter`: expected a topic for what has failed `attempts` times, as MQTT has no place for it');
    return own;
  },

  async open(own) {
    const {connectMqtt} = await import('./topic.ts');
    let turn = 0;
    return (house, most) => connectMqtt({...own, url: own.urls[turn++ % own.urls.length] ?? ''}, house, most);
  },
});

const isFilter = (topic: string) =>
  topic.split('/').every((level, at, all) => level === '+' || (level === '#' && at === all.length - 1) || !/[+#]/.test(level));
