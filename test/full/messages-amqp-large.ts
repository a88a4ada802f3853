import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type ConfirmChannel, connect} from 'amqplib';
import test from 'ava';
import {message, metric, numbersOf, place, range, until} from '../helpers/message-place.ts';
import {missingRabbitMq, startRabbitMq} from '../helpers/rabbitmq.ts';

/* Messages that are large: a broker of AMQP counts messages only, and would hand out all of `prefetch`. */

const check = missingRabbitMq === undefined ? test.serial : test.skip;

check('amqp: large messages stay at the broker while they have no room, and nobody takes it for gone', async t => {
  t.timeout(240_000);
  const configured = await mkdtemp(join(tmpdir(), 'rabbitmq-'));
  t.teardown(() => rm(configured, {recursive: true, maxRetries: 5}));
  const configuration = join(configured, 'rabbitmq.conf');
  await writeFile(configuration, impatient);
  const server = await startRabbitMq({configuration});
  t.teardown(() => server.end());
  const connection = await connect(server.url);
  t.teardown(() => connection.close());
  const channel = await connection.createConfirmChannel();
  for (const queue of ['orders', 'dead']) await channel.assertQueue(queue, {durable: true, arguments: {'x-queue-type': 'classic'}});
  const entry = {type: 'amqp', url: `${server.url}?heartbeat=1`, queue: 'orders', deadLetter: 'dead', attempts: 1, concurrency: 20};
  const room = {CORE_INFLIGHT_BYTES: String(8 * 2 ** 20), CORE_CONCURRENCY: '64'}; // a quarter of it is for messages that are held
  const {folder, start, calls} = await place(t, entry, room);
  const [first, others] = [`${folder}/first`, `${folder}/others`];
  const large = (n: number, more: object) => message(n, {...more, pad: 'x'.repeat(2_000_000)});
  await send(channel, [message(0, {until: first, pad: 'x'.repeat(1_000_000)}), ...range(6, 1).map(n => large(n, {fails: 99}))]);
  const core = await start();

  // Each of them fills the room, and is put aside while nothing is read.
  await until(async () => (await channel.checkQueue('dead')).messageCount === 6);
  t.deepEqual(numbersOf(calls()), range(7));

  await send(channel, [...range(10, 7).map(n => large(n, {until: others})), ...range(30, 17).map(n => message(n))]);
  await until(() => calls().some(({n}) => n === 7));
  await until(async () => (await metric(core, 'core_messages_waiting')) > 0); // it is looked at every five seconds: some heartbeats
  t.true((await metric(core, 'core_messages_in_flight')) <= 2);
  t.true(calls().length <= 8);

  for (const gate of [first, others]) await writeFile(gate, '');
  await until(async () => (await server.left('orders')) === 0);
  t.deepEqual(numbersOf(calls()), range(47));
  t.is(calls().length, 47);
  t.is(core.logs.filter(({msg}) => msg.includes('is away')).length, 0);
});

/** It breaks off whoever reads nothing of what it sends after a second and a half, in place of half a minute. */
const impatient = `tcp_listen_options.backlog = 128
tcp_listen_options.nodelay = true
tcp_listen_options.exit_on_close = false
tcp_listen_options.send_timeout = 1500
`;

async function send(channel: ConfirmChannel, messages: readonly {readonly body: string}[]): Promise<void> {
  for (const {body} of messages) channel.sendToQueue('orders', Buffer.from(body), {persistent: true});
  await channel.waitForConfirms();
}
