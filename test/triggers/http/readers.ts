import {once} from 'node:events';
import http, {type ServerResponse} from 'node:http';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {Budget} from '../../../src/limits/budget.ts';
import {openConnection} from '../../../triggers/http/connection.ts';
import {Readers} from '../../../triggers/http/readers.ts';
import {ManualClock, settle} from '../../helpers/clock.ts';

/** Of each answer the system takes some megabytes for both ends; more than that is read in a round. */
const large = Buffer.alloc(80 * 2 ** 20, 'x');
const round = 14 * 2 ** 20;

/** A real server whose answers of 80 MiB are followed, on a clock that stands still. */
async function open(t: ExecutionContext, budget?: Budget) {
  const clock = new ManualClock();
  const left: ServerResponse[] = [];
  let cut = 0;
  const readers = new Readers(budget ?? new Budget(2 ** 30, clock), clock, () => cut++);
  const answered: ServerResponse[] = [];
  const server = http.createServer((_request, response) => {
    response.end(large);
    readers.follow(response, {bytes: large.length, left: () => left.push(response)});
    answered.push(response);
  });
  server.on('connection', socket => openConnection(socket, () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    clock,
    readers,
    left,
    answered,
    cut: () => cut,
    /** A client that has asked so many times, and reads nothing by itself. */
    async ask(times = 1) {
      const before = answered.length;
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.pause();
      t.teardown(() => socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(times));
      while (answered.length < before + times) await settle();
      return socket;
    },
  };
}

/** Reads so many bytes, and then nothing more. */
async function read(socket: net.Socket, bytes: number): Promise<void> {
  for (let got = 0; got < bytes; ) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) await settle();
    else got += chunk.length;
  }
}

test('a client that takes nothing of its answer is cut off after fifteen seconds', async t => {
  const {ask, clock, left, cut, readers} = await open(t);
  await ask();
  await clock.advance(15_000);
  t.is(left.length, 0);
  await clock.advance(1000);
  t.is(left.length, 1);
  t.is(cut(), 1);
  t.deepEqual([...readers], []);
});

test('a client that goes on taking some is left alone, and its answer leaves once', async t => {
  const {ask, clock, left, cut} = await open(t);
  const socket = await ask();
  await clock.advance(500);
  for (let rounds = 0; rounds < 3; rounds++) {
    await read(socket, round);
    await clock.advance(15_000);
    t.is(cut(), 0);
  }
  socket.resume();
  while (left.length === 0) await settle();
  await clock.advance(60_000);
  t.is(left.length, 1);
  t.is(cut(), 0);
});

test('an answer behind another is not looked at until it is its turn', async t => {
  const {ask, clock, left, cut, answered} = await open(t);
  const socket = await ask(2);
  await clock.advance(500);
  for (let rounds = 0; rounds < 3; rounds++) {
    await read(socket, round);
    await clock.advance(15_000);
  }
  t.is(cut(), 0);
  await read(socket, large.length - 3 * round);
  while (left.length === 0) await settle();
  t.is(left[0], answered[0]);
  // What the system takes of it by itself may be seen late: then its time begins anew, once.
  for (let rounds = 0; rounds < 2; rounds++) await clock.advance(16_000);
  t.is(left.length, 2, 'of the second one nothing was taken in its time');
  t.is(cut(), 1);
});

test('a client that leaves ends its answers, also those that wait', async t => {
  const {ask, left, cut, readers} = await open(t);
  const socket = await ask(3);
  socket.resetAndDestroy();
  while (left.length < 3) await settle();
  t.is(cut(), 0);
  t.deepEqual([...readers], []);
});

test('while replies wait for room the slowest readers go first, and no more of them than are needed', async t => {
  const clock = new ManualClock();
  const budget = new Budget(100, clock);
  const {ask, left, cut, clock: readersClock} = await open(t, budget);
  const [slow] = [await ask(), await ask()];
  const holder = budget.open('reply');
  holder.set(90);
  await readersClock.advance(500);
  await read(slow, round);
  await readersClock.advance(3000);
  t.is(left.length, 0, 'nobody needs the room');
  const wanting = budget.open('reply');
  t.false(wanting.growReply(2 ** 20, () => {}));
  await readersClock.advance(500);
  t.true(cut() >= 1);
  t.true(left.length >= 1);
});
