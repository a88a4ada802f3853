import type {ConsumeMessage} from 'amqplib';
import test from 'ava';
import {Acks} from '../../triggers/amqp/acks.ts';
import {copyOf} from '../../triggers/amqp/copy.ts';
import {amqp} from '../../triggers/amqp/index.ts';
import {attributesOf, factsOf, timesDelivered} from '../../triggers/amqp/read.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

const url = 'amqp://shop:s3cret@localhost:5672';
const refused: [title: string, entry: Record<string, unknown>, problem: RegExp][] = [
  ['without an address', {queue: 'orders'}, /^`url`: expected the address of the broker, such as amqp:\/\/user@localhost:5672, or a list/],
  ['with another kind of address', {url: [url, 'http://x'], queue: 'orders'}, /^`url`: expected it to begin with amqp:\/\/ or amqps:\/\//],
  ['with a name that cannot be read', {url: 'amqp://a%zz@localhost', queue: 'orders'}, /^`url`: expected it to begin/],
  ['without a queue', {url}, /^`queue`: expected the name of a queue, got nothing$/],
  ['with attempts and no place for what fails', {url, queue: 'orders', attempts: 3}, /^`attempts`: expected `rejects: true`, if/],
  [
    'with two places for what fails',
    {url, queue: 'orders', attempts: 3, rejects: true, deadLetter: 'dead'},
    /^expected only one of `deadLetter`, `deadLetterExchange` and `rejects`$/,
  ],
];
for (const [title, entry, message] of refused) {
  test(`an entry for AMQP ${title} is refused, without its secrets`, t => {
    const error = t.throws(() => amqp.read(entry), {message});
    t.notRegex(String(error), /s3cret/);
  });
}

test('an entry for AMQP is a queue, and where its dead letters go', t => {
  t.like(amqp.read({url, queue: 'orders'}).own, {urls: [url], queue: 'orders', rejects: false, countsItself: false});
  t.like(amqp.read({url, queue: 'orders', attempts: 2, deadLetter: 'dead'}).own, {deadLetter: 'dead', countsItself: true});
});

const messageWith = (properties: object, fields: object = {}) =>
  ({
    content: Buffer.alloc(0),
    properties,
    fields: {exchange: 'e', routingKey: 'r', redelivered: false, ...fields},
  }) as unknown as ConsumeMessage;

test('headers of every kind arrive as texts', t => {
  const headers = {
    text: 'näh',
    whole: 3,
    yes: true,
    bytes: Buffer.from('abc'),
    list: [1, {deep: 2n}],
    absent: undefined,
    nothing: null,
    '': 'x',
  };
  t.deepEqual(attributesOf(messageWith({headers, contentEncoding: 'gzip'}).properties), [
    ...['text', 'näh', 'whole', '3', 'yes', 'true', 'bytes', 'abc', 'list', '[1,{"deep":"2"}]', '', 'x'],
    ...['content-encoding', 'gzip'],
  ]);
  t.deepEqual(attributesOf(messageWith({}).properties), []);
});

test('only the broker says how often a message was delivered', t => {
  const times = (count: unknown, redelivered: boolean) =>
    timesDelivered(messageWith({headers: {'x-delivery-count': count}}, {redelivered}));
  t.is(times(99, false), 1, 'the sender wrote it');
  t.is(times(2, true), 3);
  for (const odd of ['2', -1, 0, 1.5, Number.NaN, {}, undefined]) t.is(times(odd, true), undefined);
});

test('facts are those that the sender has set', t => {
  t.deepEqual(factsOf(messageWith({timestamp: 7, replyTo: 'a', type: undefined})), {
    exchange: 'e',
    routingKey: 'r',
    timestamp: 7,
    replyTo: 'a',
  });
});

test('a dead letter stays where it is sent: it does not expire, goes nowhere else and is from nobody', t => {
  const headers = {CC: ['other'], BCC: ['other'], 'x-delivery-count': 9, kept: 1};
  const copy = copyOf(messageWith({headers, expiration: '1000', userId: 'somebody', messageId: 'm', priority: 3}), {'core-reason': 'why'});
  t.deepEqual(copy, {messageId: 'm', priority: 3, headers: {kept: 1, 'core-reason': 'why'}});
});

test('a dead letter with more headers than can be sent has the reason', t => {
  const copy = copyOf(messageWith({headers: {big: 'x'.repeat(60_000)}}), {'core-reason': 'why'});
  t.deepEqual(copy.headers, {'core-headers': 'left out, as they are too large', 'core-reason': 'why'});
});

/** Messages 1 to `count` are handed out, of which `most` may be unacknowledged. `frames` are the acknowledgements that left. */
function handedOut(count: number, most: number) {
  const [clock, frames]: [ManualClock, string[]] = [new ManualClock(), []];
  const ack = ({fields}: ConsumeMessage, allUpTo?: boolean) => void frames.push(`${allUpTo ? 'to ' : ''}${fields.deliveryTag}`);
  const acks = new Acks({ack}, clock, most);
  const messages = Array.from({length: count}, (_, at) => ({...messageWith({}), fields: {deliveryTag: at + 1}}) as ConsumeMessage);
  for (const message of messages) acks.opened(message);
  const of = (number: number) => messages[number - 1] as ConsumeMessage;
  return {clock, frames, acks, done: (...numbers: number[]) => numbers.forEach(number => void acks.done(of(number))), of};
}

test('what is done after the connection was lost is not acknowledged', async t => {
  const {acks, done, frames} = handedOut(2, 2);
  acks.lost();
  t.throws(() => done(1), {message: /lost/});
  acks.flush();
  t.deepEqual(frames, []);
});

test('an acknowledgement of many messages covers none that is still worked on', async t => {
  const {acks, done, frames} = handedOut(6, 100);
  done(1, 2, 4, 6);
  acks.flush();
  t.deepEqual(frames, ['4', '6', 'to 2']);
  done(3, 5);
  acks.flush();
  t.deepEqual(frames.slice(3), ['to 5']);
});

test('what went back is acknowledged with no other', async t => {
  const {acks, done, frames, of} = handedOut(3, 100);
  done(1, 3);
  acks.closed(of(2));
  await settle();
  t.deepEqual(frames, ['to 3'], 'the broker has taken 2 back before it hears this');
});

test('acknowledgements leave together: when a quarter of what may be open waits, when nothing else is open, or a little later', async t => {
  const many = handedOut(8, 8);
  many.done(1, 2);
  await settle();
  t.deepEqual(many.frames, ['to 2']);
  many.done(3);
  await settle();
  t.is(many.frames.length, 1);
  await many.clock.advance(5);
  t.deepEqual(many.frames, ['to 2', 'to 3']);
  const alone = handedOut(1, 8);
  alone.done(1);
  await settle();
  t.deepEqual(alone.frames, ['to 1']);
});
