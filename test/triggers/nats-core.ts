import type {Msg, NatsConnection} from '@nats-io/transport-node';
import test from 'ava';
import type {Inlet} from '../../src/messages/message.ts';
import {openCore} from '../../triggers/nats/core.ts';
import {settle} from '../helpers/clock.ts';

/** A client with one subscription, as much of it as is used, and what comes to it. */
function subscribed() {
  let callback = (_error: Error | null, _message: Msg) => {};
  const client = {
    isClosed: () => false,
    subscribe(_subject: string, options: {callback: typeof callback}) {
      ({callback} = options);
      return {isClosed: () => false, unsubscribe() {}};
    },
  } as unknown as NatsConnection;
  return {client, hear: (message: Msg) => callback(null, message)};
}

test('messages of a subject are held only as far as they have room in bytes, and one alone whatever its size', async t => {
  const {client, hear} = subscribed();
  const lost = new Promise<never>(() => {});
  const connection = await openCore(
    {client, lost, flush: async () => {}, close: async () => {}},
    {subject: 'orders', queue: 'g', deadLetter: undefined},
  );
  const held: {bytes: number; done: () => void}[] = [];
  const sum = () => held.reduce((total, {bytes}) => total + bytes, 0);
  let wake = () => {};
  const closing = new AbortController();
  const consumed = connection.consume({
    signal: closing.signal,
    async roomAnyway() {
      while (sum() >= 1000) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
    async take({body}) {
      const {promise, resolve} = Promise.withResolvers<void>();
      const mine = {bytes: body.length, done: resolve};
      held.push(mine);
      await promise;
      held.splice(held.indexOf(mine), 1);
      wake();
    },
  } as Inlet); // as above
  const send = (bytes: number) => hear({subject: 'orders', data: new Uint8Array(bytes)} as Msg); // as above
  for (const bytes of [5000, 600, 600, 600]) send(bytes);
  await settle();
  t.deepEqual(
    held.map(({bytes}) => bytes),
    [5000],
  );
  held[0]?.done();
  await settle();
  t.deepEqual(
    held.map(({bytes}) => bytes),
    [600, 600],
  );
  closing.abort();
  while (held.length > 0) {
    held[0]?.done();
    await settle();
  }
  await consumed;
  t.pass('a stop waits for what was received');
});

test('a connection that is lost is said at once, and what has been received is still handled before it is closed', async t => {
  const {client, hear} = subscribed();
  const lost = Promise.withResolvers<never>();
  const told: string[] = [];
  const connection = await openCore(
    {
      client,
      lost: lost.promise,
      flush: async () => {},
      close: async () => void told.push('closed'),
    },
    {subject: 'orders', queue: 'g', deadLetter: undefined},
  );
  const room = Promise.withResolvers<void>();
  const consumed = connection.consume({
    signal: new AbortController().signal,
    roomAnyway: () => room.promise,
    take: async ({body}) => void told.push(String(body)),
  } as Inlet); // as above
  for (const body of ['a', 'b']) hear({subject: 'orders', data: new TextEncoder().encode(body)} as Msg);
  lost.reject(new Error('gone'));
  await t.throwsAsync(consumed, {message: 'gone'});
  const closed = Promise.resolve(connection[Symbol.asyncDispose]());
  await settle();
  t.deepEqual(told, []);
  room.resolve();
  await closed;
  t.deepEqual(told, ['a', 'b', 'closed']);
});
