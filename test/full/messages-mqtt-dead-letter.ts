import {spawnSync} from 'node:child_process';
import net, {type Socket} from 'node:net';
import test from 'ava';
import {connectAsync} from 'mqtt';
import {systemClock} from '../../src/clock.ts';
import type {Inlet, Message} from '../../src/messages/message.ts';
import {mqtt} from '../../triggers/mqtt/index.ts';
import {connectMqtt} from '../../triggers/mqtt/topic.ts';
import {startProgram} from '../helpers/broker.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {freePort} from '../helpers/port.ts';

const check = spawnSync('mosquitto', ['-h']).error === undefined ? test : test.skip;

check('a dead letter that the broker has not taken when the connection is lost fails with it', async t => {
  t.timeout(60_000);
  const port = await freePort();
  const broker = await startProgram(['mosquitto', '-p', String(port)], port);
  t.teardown(() => broker.kill());
  const {url, breakOff} = await way(t, port);
  const {own} = mqtt.read({url, clientId: 'shop', topic: 'orders', deadLetter: 'dead', attempts: 1});
  const connection = await connectMqtt({...own, url}, {...fakeHouse({clock: systemClock}), name: 'orders'}, 1);
  t.teardown(() => connection[Symbol.asyncDispose]());
  const taken = Promise.withResolvers<Message>();
  const consumed = connection.consume({
    signal: new AbortController().signal,
    room: async () => 1,
    async take(message: Message) {
      taken.resolve(message);
    },
  } as unknown as Inlet); // as much of it as is used
  consumed.catch(() => {});
  const sender = await connectAsync(`mqtt://127.0.0.1:${port}`);
  await sender.publishAsync('orders', '{}', {qos: 1});
  await sender.endAsync();
  const message = await taken.promise;
  process.kill(broker.pid, 'SIGSTOP');
  const sent = message.bury?.('it failed');
  setImmediate(breakOff);
  await t.throwsAsync(consumed);
  await t.throwsAsync(async () => sent);
  await t.throwsAsync(async () => message.bury?.('it failed'), undefined, 'nor is one kept for a connection that is lost');
});

/** A way to the broker that can be broken off. */
async function way(t: {teardown(end: () => void): void}, port: number) {
  const sockets: Socket[] = [];
  const server = net.createServer(socket => {
    const other = net.connect(port, '127.0.0.1');
    for (const each of [socket, other]) sockets.push(each.on('error', () => {}));
    socket.pipe(other).pipe(socket);
  });
  const breakOff = () => {
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(() => {
    breakOff();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {url: `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`, breakOff};
}
