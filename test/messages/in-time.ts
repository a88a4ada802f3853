import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import test from 'ava';
import {inTime} from '../../src/messages/in-time.ts';
import type {Connection} from '../../src/messages/message.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse} from '../helpers/fakes.ts';

test('a broker that does not let the core in is given up after half a minute, and closed if it does later', async t => {
  const clock = new ManualClock();
  const {promise, resolve} = Promise.withResolvers<Connection>();
  let closed = 0;
  let givenUp: AbortSignal | undefined;
  const connecting = inTime(house => {
    givenUp = house.givenUp;
    return promise;
  })({...fakeHouse({clock}), name: 'orders'}, 1);
  connecting.catch(() => {});
  await clock.advance(29_999);
  t.false(givenUp?.aborted);
  await clock.advance(1);
  await t.throwsAsync(connecting, {message: /has not let the core in within 30 s/});
  t.true(givenUp?.aborted, 'what is open of it is to be closed');
  resolve({
    consume: async () => {},
    async [Symbol.asyncDispose]() {
      closed++;
    },
  });
  await settle();
  t.is(closed, 1);
});

test('one that lets it in, or refuses, is heard as it is', async t => {
  const house = {...fakeHouse({clock: new ManualClock()}), name: 'orders'};
  const connection = {consume: async () => {}, async [Symbol.asyncDispose]() {}};
  t.is(await inTime(async () => connection)(house, 1), connection);
  const refused = inTime(async () => {
    throw new Error('no such queue');
  });
  await t.throwsAsync(refused(house, 1), {message: 'no such queue'});
});

test('what a connection that is not made has opened is closed, and that of one that is made is not', async t => {
  const clock = new ManualClock();
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const again = Promise.withResolvers<void>();
  let second: Socket | undefined;
  const open = async (isMade: boolean) => {
    const accepted = once(server, 'connection');
    const connecting = inTime(async () => {
      const socket = connect(port, '127.0.0.1');
      if (!isMade) {
        socket.removeAllListeners(); // the library forgets it, and tries again later
        await again.promise;
        second = connect(port, '127.0.0.1');
        return new Promise<never>(() => {});
      }
      return {consume: async () => {}, [Symbol.asyncDispose]: async () => void socket.destroy()};
    })({...fakeHouse({clock}), name: 'orders'}, 1);
    const [socket] = await accepted;
    return {connecting, socket};
  };
  const silent = await open(false);
  silent.connecting.catch(() => {});
  const closed = once(silent.socket, 'close');
  silent.socket.resume();
  await clock.advance(30_000);
  await t.throwsAsync(silent.connecting);
  await closed;
  again.resolve();
  await settle();
  t.true(second?.destroyed);
  const made = await open(true);
  const connection = await made.connecting;
  await clock.advance(30_000);
  t.false(made.socket.destroyed);
  await connection[Symbol.asyncDispose]();
});

test('a stop does not wait for a broker that says nothing', async t => {
  const closing = new AbortController();
  const house = {...fakeHouse({clock: new ManualClock()}), name: 'orders', givenUp: closing.signal};
  const connecting = inTime(() => new Promise(() => {}))(house, 1);
  closing.abort();
  await t.throwsAsync(connecting);
});

test('a connection that is made is not given up by a stop: what was taken is acknowledged over it', async t => {
  const closing = new AbortController();
  let givenUp: AbortSignal | undefined;
  const house = {...fakeHouse({clock: new ManualClock()}), name: 'orders', givenUp: closing.signal};
  await inTime(async given => {
    givenUp = given.givenUp;
    return {consume: async () => {}, async [Symbol.asyncDispose]() {}};
  })(house, 1);
  closing.abort();
  t.false(givenUp?.aborted);
});
