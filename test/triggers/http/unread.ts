import {once} from 'node:events';
import net, {type AddressInfo} from 'node:net';
import test from 'ava';
import {untakenBytes, untilTaken} from '../../../triggers/http/unread.ts';
import {ManualClock} from '../../helpers/clock.ts';

/** A server that has sent a megabyte and closed the connection, and a client that has read nothing. */
async function unread() {
  const server = net.createServer(socket => {
    socket.on('error', () => {}); // its client is gone with unread bytes
    socket.end(Buffer.alloc(1_000_000));
  });
  server.listen(0);
  await once(server, 'listening');
  const {port} = server.address() as AddressInfo;
  const client = net.connect({port, host: '127.0.0.1'}).pause();
  await once(client, 'connect');
  server.close();
  while ((await untakenBytes(port)) === 0);
  return {port, client};
}

const {signal: calm} = new AbortController();

test('the system holds nothing for a port that is not used', async t => {
  t.is(await untakenBytes(1), 0);
  t.is(await untilTaken(1, {clock: new ManualClock(), hurry: calm}), 0);
});

test('what the system holds for a client is waited for until the client has it', async t => {
  const {port, client} = await unread();
  const clock = new ManualClock();
  let left: number | undefined;
  const taken = untilTaken(port, {clock, hurry: calm}).then(bytes => {
    left = bytes;
  });
  await clock.advance(300);
  t.is(left, undefined);
  client.resume();
  await once(client, 'close');
  while (left === undefined) await clock.advance(100);
  await taken;
  t.is(left, 0);
});

test('a client that takes nothing more is not waited for, and how much is left is known', async t => {
  const {port, client} = await unread();
  t.teardown(() => void client.destroy());
  const clock = new ManualClock();
  let left: number | undefined;
  void untilTaken(port, {clock, hurry: calm}).then(bytes => {
    left = bytes;
  });
  while (left === undefined) await clock.advance(100);
  t.true(left > 0);
  t.true(clock.monotonic() >= 5000);
});

test('at the end of the grace time the wait for clients ends', async t => {
  const {port, client} = await unread();
  t.teardown(() => void client.destroy());
  t.true((await untilTaken(port, {clock: new ManualClock(), hurry: AbortSignal.abort()})) > 0);
});
