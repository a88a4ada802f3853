import type {Msg, NatsConnection} from '@nats-io/transport-node';
import test from 'ava';
import {deliveredOf} from '../../triggers/nats/delivered.ts';
import {Pulls} from '../../triggers/nats/pull.ts';
import {ManualClock} from '../helpers/clock.ts';

/** A client whose server is the test. */
function place(take: (message: Msg) => void = () => {}) {
  const clock = new ManualClock();
  const asked: {readonly to: string; readonly reply: string; readonly batch: number; readonly max_bytes?: number}[] = [];
  let hear: (error: Error | null, message: Msg) => void = () => {};
  const client = {
    subscribe(_subject: string, {callback}: {callback: typeof hear}) {
      hear = callback;
      return {unsubscribe() {}};
    },
    publish: (to: string, payload: string, {reply}: {reply: string}) => void asked.push({to, reply, ...JSON.parse(payload)}),
    isClosed: () => false,
  } as unknown as NatsConnection; // as much of it as is used
  const pulls = new Pulls(client, clock, {stream: 'orders', consumer: 'shop'}, take);
  const send = (message: object) => hear(null, message as Msg); // as above
  const say = (code: number, description = '', at = asked.length - 1) =>
    send({subject: asked[at]?.reply, headers: {code, description}, data: new Uint8Array()});
  const hand = (subject = 'orders.new') => send({subject, data: new Uint8Array()});
  return {clock, pulls, asked, say, hand, hear: (error: Error) => hear(error, {} as Msg)};
}

const refused: [title: string, act: (server: ReturnType<typeof place>) => unknown, message: RegExp][] = [
  ['refuses', ({say}) => say(409, 'Consumer Deleted'), /^the server refuses to hand out messages: 409 Consumer Deleted$/],
  ['has no such consumer', ({say}) => say(503), /^the server refuses to hand out messages: 503$/],
  ['does not let the core listen', ({hear}) => hear(new Error('permissions violation')), /^permissions violation$/],
  ['does not answer', ({clock}) => clock.advance(5000), /^the server does not answer$/],
];
for (const [title, act, message] of refused) {
  test(`a pull of a server that ${title} fails`, async t => {
    const server = place();
    const pulled = server.pulls.pull(2, undefined);
    await Promise.all([t.throwsAsync(pulled, {message}), act(server)]);
    t.is(server.clock.pending, 0);
  });
}

test('what is no message fails the pull, and not the core', async t => {
  const server = place(message => deliveredOf(message));
  const pulled = server.pulls.pull(2, undefined);
  server.hand();
  await t.throwsAsync(pulled, {message: 'the server sends what is no message of a stream'});
});

test('a pull ends when as many messages have come as were asked for, or none more comes', async t => {
  const taken: Msg[] = [];
  const {pulls, asked, say, hand} = place(message => taken.push(message));
  const first = pulls.pull(2, 1000);
  t.like(asked[0], {to: '$JS.API.CONSUMER.MSG.NEXT.orders.shop', batch: 2, max_bytes: 1000, expires: 1_000_000_000});
  say(100, 'Idle Heartbeat');
  hand();
  hand();
  t.is(await first, 'full');
  const second = pulls.pull(2, undefined);
  say(408, 'Request Timeout', 0); // of the first: it has crossed
  hand();
  say(408, 'Request Timeout');
  t.is(await second, 'late');
  t.is(taken.length, 3);
});

test('a message that is larger than all that was asked for is told from a pull that is full of bytes', async t => {
  const {pulls, say, hand} = place();
  const large = pulls.pull(5, 1000);
  say(409, 'Message Size Exceeds MaxBytes');
  t.is(await large, 'tooLarge');
  const full = pulls.pull(5, 1000);
  hand();
  say(409, 'Message Size Exceeds MaxBytes');
  t.is(await full, 'full');
});

test('where a message stands is read from the subject of its acknowledgement, with and without domain', t => {
  const expected = {stream: 'orders', consumer: 'shop', times: 2, sequence: 17, sentAt: 1_700_000_000_123};
  t.deepEqual(deliveredOf({reply: '$JS.ACK.orders.shop.2.17.9.1700000000123456789.4'}), expected);
  t.deepEqual(deliveredOf({reply: '$JS.ACK.hub.hash.orders.shop.2.17.9.1700000000123456789.4.random'}), expected);
  t.throws(() => deliveredOf({reply: '_INBOX.1'}), {message: 'the server sends what is no message of a stream'});
  t.throws(() => deliveredOf({}), {message: 'the server sends what is no message of a stream'});
});
