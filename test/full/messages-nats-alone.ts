import net from 'node:net';
import {jetstreamManager} from '@nats-io/jetstream';
import {connect} from '@nats-io/transport-node';
import test, {type ExecutionContext} from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import type {ListedHouse} from '../../src/trigger.ts';
import {nats} from '../../triggers/nats/index.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {natsServer, patient, startNats} from '../helpers/nats.ts';

/* The trigger for NATS without a core around it: queue groups, and odd messages. CORE_TEST_NATS names the folder that has nats-server. */

const check = natsServer ? test : test.skip;
if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 5));
}

async function server(t: ExecutionContext) {
  const cluster = await startNats(1);
  t.teardown(() => cluster[Symbol.asyncDispose]());
  const url = `nats://${cluster.hosts}`;
  const client = await connect({servers: url});
  t.teardown(() => client.close());
  return {url, client};
}

/** A core that calls `act` with each message. */
async function member(t: ExecutionContext, entry: Record<string, unknown>, act: (body: string) => Promise<number> | number) {
  const calls: string[] = [];
  const house: ListedHouse = {
    ...fakeHouse({
      places: () => 8,
      async deliver(delivery: Delivery) {
        const body = String((await delivery.input()).body);
        calls.push(body);
        delivery.reply({status: await act(body), headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const trigger = await nats.open(nats.read('stream' in entry ? entry : {subject: 'orders.*', ...entry}), house);
  t.teardown(() => trigger[Symbol.asyncDispose]());
  await until(() => trigger.detail?.() === undefined);
  return {calls, trigger};
}

check('a message that fails is not called with again, and its copy is a dead letter', async t => {
  const {url, client} = await server(t);
  const dead = client.subscribe('dead', {max: 1});
  const {calls} = await member(t, {url, deadLetter: 'dead'}, () => 500);
  client.publish('orders.new', 'a');
  const copies = await Array.fromAsync(dead);
  t.deepEqual(
    copies.map(copy => [copy.string(), copy.headers?.get('Core-Subject'), copy.headers?.get('Core-Reason')]),
    [['a', 'orders.new', 'HANDLER_FAILED, status 500, after 1 attempts']],
  );
  t.deepEqual(calls, ['a']);
});

check('members of a group share messages, and each of them goes to one', async t => {
  const {url, client} = await server(t);
  const members = [await member(t, {url}, () => 200), await member(t, {url}, () => 200)];
  for (let n = 0; n < 200; n++) client.publish('orders.new', String(n));
  await until(() => members.flatMap(({calls}) => calls).length >= 200);
  t.is(new Set(members.flatMap(({calls}) => calls)).size, 200);
  t.true(members.every(({calls}) => calls.length > 20));
});

check('what does not fit in what waits goes to others, and what has been received is finished by a stop', async t => {
  const {url, client} = await server(t);
  const go = Promise.withResolvers<void>();
  const {calls, trigger} = await member(t, {url}, async () => {
    await go.promise;
    return 200;
  });
  for (let n = 0; n < 1500; n++) client.publish('orders.new', String(n));
  await client.flush();
  await until(() => calls.length >= 4);
  const stopped = trigger[Symbol.asyncDispose]();
  go.resolve();
  await stopped;
  t.true(calls.length >= 1000 && calls.length <= 1010, `${calls.length} calls`);
  t.is(new Set(calls).size, calls.length);
});

check('odd messages reach the function, and those that fail are put aside: none is in the way of others', async t => {
  const {url, client} = await server(t);
  const manager = await jetstreamManager(client, patient);
  for (const name of ['orders', 'dead']) await manager.streams.add({name, subjects: [name]});
  const odd: [head: string, body: string][] = [
    ['', ''],
    ['', '\u0000\u00ff'],
    ['', 'a'.repeat(2 ** 20 - 200)],
    ['We Ird: 1\r\nno colon\r\n: no name\r\n', 'unreadable'],
    ['Co\u0000l: \u0001\r\n', 'control'],
    [`X: ${'v'.repeat(65_400)}\r\n`, 'long'],
    [Array.from({length: 3000}, (_, n) => `X-${n}: v\r\n`).join(''), 'many'],
    ['Nats-Rollup: all\r\nTraceparent: nonsense\r\n', 'telling'],
  ];
  const raw = net.connect(Number(new URL(url).port), '127.0.0.1').resume();
  t.teardown(() => raw.destroy());
  raw.write('CONNECT {"verbose":false,"headers":true}\r\n');
  for (const [head, body] of odd) {
    const [start, end] = [Buffer.from(`NATS/1.0\r\n${head}\r\n`, 'latin1'), Buffer.from(body, 'latin1')];
    raw.write(`HPUB orders ${start.length} ${start.length + end.length}\r\n`);
    raw.write(Buffer.concat([start, end, Buffer.from('\r\n')]));
  }
  const {calls} = await member(t, {url, stream: 'orders', deadLetter: 'dead', attempts: 2, retry: '1ms', lease: '2s'}, () => 500);
  const dead = async () => (await manager.streams.info('dead')).state;
  const kept = async () => (await manager.streams.info('orders')).state.messages;
  await until(() => calls.length >= 2);
  const messages = await kept(); // a server refuses some of them itself
  t.true(messages >= 5);
  while ((await dead()).messages < messages) await new Promise(resolve => setTimeout(resolve, 20));
  // The server hears of the last one after its copy.
  for (let left = 1; left > 0; ) {
    const {num_pending, num_ack_pending} = await manager.consumers.info('orders', 'core-runtime');
    left = num_pending + num_ack_pending;
  }
  t.is(calls.length, 2 * messages);
});
