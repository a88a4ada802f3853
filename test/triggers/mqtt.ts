import test from 'ava';
import type {IPublishPacket} from 'mqtt';
import type {Inlet, Message} from '../../src/messages/message.ts';
import {Acks} from '../../triggers/mqtt/acks.ts';
import {Arrivals} from '../../triggers/mqtt/arrivals.ts';
import {mqtt} from '../../triggers/mqtt/index.ts';
import {attributesOf, factsOf, idOf} from '../../triggers/mqtt/read.ts';

const good = {url: 'mqtt://localhost:1883', clientId: 'core-1', topic: 'orders/#'};
const refused: [title: string, entry: Record<string, unknown>, problem: RegExp][] = [
  [
    'without an address',
    {...good, url: undefined},
    /^`url`: expected the address of the broker, such as mqtt:\/\/localhost:1883, or a list/,
  ],
  [
    'with a secret in its address',
    {...good, url: 'mqtt://u:s3cret@x'},
    /^`url`: expected mqtt:\/\/ or mqtts:\/\/, a host and a port; who connects/,
  ],
  ['with another kind of address', {...good, url: [good.url, 'http://x']}, /^`url`: expected mqtt:\/\/ or mqtts:/],
  ['without a name for its session', {...good, clientId: undefined}, /^`clientId`: expected a name that this core keeps/],
  ['with a shared subscription in its topic', {...good, topic: '$share/g/orders'}, /^`topic`: expected it without \$share\//],
  ['with a # within its topic', {...good, topic: ['a', 'orders/#/new']}, /^`topic`: expected # only at the end/],
  ['with a + within a level', {...good, topic: 'orders/a+'}, /^`topic`: expected # only at the end/],
  ['with dead letters for many topics', {...good, deadLetter: 'dead/#'}, /^`deadLetter`: expected a topic without \+ and #$/],
  ['with attempts and no place for what fails', {...good, attempts: 3}, /^`deadLetter`: expected a topic for what has failed/],
  ['with a group of several levels', {...good, group: 'a/b'}, /^`group`: expected a name without/],
];
for (const [title, entry, message] of refused) {
  test(`an entry for MQTT ${title} is refused, without its secrets`, t => {
    const error = t.throws(() => mqtt.read(entry), {message});
    t.notRegex(String(error), /s3cret/);
  });
}

test('an entry for MQTT keeps the order of a topic, unless it shares it', t => {
  t.like(mqtt.read(good).own, {urls: [good.url], topics: ['orders/#'], version: '5', order: 'topic', sessionMs: 86_400_000});
  t.like(mqtt.read({...good, group: 'shop'}).own, {group: 'shop', order: 'none'});
  t.like(mqtt.read({...good, group: 'shop', order: 'topic'}).own, {order: 'topic'});
});

test('acknowledgements go in the order in which the messages came', t => {
  const sent: number[] = [];
  const acks = new Acks();
  const [first, second, third] = [1, 2, 3].map(n => acks.add(() => sent.push(n)));
  second?.();
  t.deepEqual(sent, []);
  first?.();
  t.deepEqual(sent, [1, 2]);
  third?.();
  t.deepEqual(sent, [1, 2, 3]);
});

test('what comes waits for room, and when much waits the connection is read no further', async t => {
  const arrivals = new Arrivals();
  const names: string[] = [];
  const closing = new AbortController();
  let room = 0;
  let ask = () => {};
  let read = 0;
  const message = (name: string) => ({destination: name, body: Buffer.alloc(0)}) as unknown as Message;
  for (let index = 0; index < 1000; index++) arrivals.add(message(`m${index}`), () => read++);
  t.is(read, 1000);
  arrivals.add(message('last'), () => read++);
  t.is(read, 1000, 'not beyond the last');
  const inlet: Pick<Inlet, 'signal' | 'room' | 'take'> = {
    signal: closing.signal,
    async room() {
      while (room === 0 && !closing.signal.aborted) {
        await new Promise<void>(resolve => {
          ask = resolve;
        });
      }
      return closing.signal.aborted ? 0 : room--;
    },
    async take({destination}) {
      names.push(destination);
    },
  };
  const drained = arrivals.drain(inlet);
  room = 1001;
  ask();
  while (names.length < 1001) await new Promise(resolve => setImmediate(resolve));
  t.deepEqual([names[0], names[1000], read], ['m0', 'last', 1001]);
  closing.abort();
  ask();
  await drained;
});

test('what comes waits for room up to a sum of bytes', t => {
  const arrivals = new Arrivals();
  let read = 0;
  const message = {body: Buffer.alloc(4 * 2 ** 20)} as Message; // as much of it as is used
  for (let index = 0; index < 4; index++) arrivals.add(message, () => read++);
  t.deepEqual([read, arrivals.isFull], [4, false]);
  arrivals.add(message, () => read++);
  t.deepEqual([read, arrivals.isFull], [4, true]);
});

test('user properties are headers, and one of them names the message', t => {
  const userProperties = {tenant: 'näh', list: ['a', 'b'], 'message-id': '7', empty: ''};
  t.deepEqual(attributesOf({userProperties}), ['tenant', 'näh', 'list', 'a', 'list', 'b', 'message-id', '7', 'empty', '']);
  t.is(idOf({userProperties}, 'message-id'), '7');
  t.is(idOf({userProperties}, 'list'), 'a');
  for (const none of ['empty', 'absent', 'constructor', '__proto__']) t.is(idOf({userProperties}, none), undefined);
  t.deepEqual([attributesOf({}), idOf({}, 'message-id')], [[], undefined]);
});

test('facts are the topic, and what the sender has set', t => {
  const packet = {topic: 'a', qos: 1, retain: true, properties: {responseTopic: 'b', correlationData: Buffer.from([0, 255])}};
  t.deepEqual(factsOf(packet as unknown as IPublishPacket), {
    topic: 'a',
    qos: 1,
    retained: true,
    responseTopic: 'b',
    correlationData: 'AP8=',
  });
});
