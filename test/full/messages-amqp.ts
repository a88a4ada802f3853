import {once} from 'node:events';
import {writeFile} from 'node:fs/promises';
import net from 'node:net';
import {type ChannelModel, type ConfirmChannel, connect} from 'amqplib';
import test, {type ExecutionContext} from 'ava';
import {message, metric, place, range, until} from '../helpers/message-place.ts';
import {messageSuite} from '../helpers/message-suite.ts';
import {missingRabbitMq, startRabbitMq} from '../helpers/rabbitmq.ts';

const serverPromise = missingRabbitMq === undefined ? startRabbitMq() : undefined;
test.after.always(async () => (await serverPromise)?.end());

let queues = 0;

for (const kind of ['quorum', 'classic'] as const) {
  messageSuite(`amqp, ${kind} queue`, {
    type: 'amqp',
    hasAttributes: true,
    carriesBytes: true,
    isBounded: true,
    keepsUnacknowledged: true,
    missing: missingRabbitMq,

    async open() {
      const server = await serverPromise;
      if (!server) throw new Error('Expected a server');
      const {url} = server;
      const [queue, dead] = [`orders-${++queues}`, `orders-${queues}.dead`];

      async function withChannel<T>(act: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
        let connection: ChannelModel | undefined;
        try {
          connection = await connect(url, {timeout: 5000});
          connection.on('error', () => {});
          const channel = await connection.createConfirmChannel();
          channel.on('error', () => {});
          return await act(channel);
        } finally {
          await connection?.close().catch(() => {});
        }
      }
      await withChannel(async channel => {
        await channel.assertQueue(dead, {durable: true});
        const toDead = {'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead};
        await channel.assertQueue(queue, {durable: true, arguments: {'x-queue-type': kind, ...(kind === 'quorum' && toDead)}});
      });
      if (kind === 'quorum') await server.registered(queue);
      let sent = 0;

      return {
        entry: {type: 'amqp', url, queue, retry: '50ms', ...(kind === 'quorum' ? {rejects: true} : {deadLetter: dead})},
        send: messages =>
          withChannel(async channel => {
            for (const {body, bytes, attributes} of messages)
              channel.sendToQueue(queue, bytes ?? Buffer.from(body), {
                persistent: true,
                messageId: `m${sent++}`,
                headers: attributes ?? {},
              });
            await channel.waitForConfirms();
          }),
        left: () => server.left(queue),
        buried: () =>
          withChannel(async channel => {
            const {messageCount} = await channel.checkQueue(dead);
            const bodies: string[] = [];
            for (let index = 0; index < messageCount; index++) {
              const got = await channel.get(dead);
              if (got) bodies.push(got.content.toString());
            }
            return bodies; // they go back with the channel
          }),
        kill: () => server.kill(),
        restart: () => server.restart(),
      };
    },
  });
}

/** A way to a server that takes every `prefetch` for none, so that the server hands out whatever it has. @returns its URL */
async function withoutPrefetch(t: ExecutionContext, url: string): Promise<string> {
  const qos = Buffer.from([0, 60, 0, 10, 0, 0, 0, 0]); // basic.qos, before its count
  const sockets = new Set<net.Socket>();
  const way = net.createServer(near => {
    const far = net.connect(Number(new URL(url).port), '127.0.0.1');
    for (const each of [near, far]) sockets.add(each.on('error', () => {}));
    near.on('data', (given: Buffer) => {
      const at = given.indexOf(qos);
      if (at >= 0) given.fill(0, at + qos.length, at + qos.length + 2);
      far.write(given);
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.once('close', () => other.destroy());
  });
  await once(way.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    way.close();
  });
  const address = new URL(url);
  address.port = String((way.address() as net.AddressInfo).port);
  return address.href;
}

(missingRabbitMq === undefined ? test.serial : test.skip)('amqp: a broker that hands out much more than it may is away', async t => {
  const server = await serverPromise;
  if (!server) throw new Error('Expected a server');
  const connection = await connect(server.url);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('flood', {durable: true, arguments: {'x-queue-type': 'classic'}});
  const entry = {type: 'amqp', url: await withoutPrefetch(t, server.url), queue: 'flood', concurrency: 4};
  const {folder, start, calls} = await place(t, entry);
  for (const n of range(3000)) channel.sendToQueue('flood', Buffer.from(message(n, {until: `${folder}/go`}).body));
  await channel.waitForConfirms();
  await connection.close();
  const core = await start();
  const {cause} = await core.logged(({msg}) => msg.includes('is away'));
  t.is(cause, 'the broker hands out more messages than it may: 4 were allowed, and 1004 are unacknowledged');
  await until(async () => (await metric(core, 'core_messages_connected')) === 0);
  t.true((await metric(core, 'core_messages_in_flight')) <= 1004);
  t.true(calls().length <= 8, 'no more than there are places');
  await writeFile(`${folder}/go`, '');
});
