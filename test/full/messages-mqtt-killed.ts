import {spawnSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {connectAsync} from 'mqtt';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import type {MessageDelivery} from '../../src/messages/delivery.ts';
import {mqtt} from '../../triggers/mqtt/index.ts';
import {connectMqtt} from '../../triggers/mqtt/topic.ts';
import {startProgram} from '../helpers/broker.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {freePort} from '../helpers/port.ts';

/* What is left of a session when mosquitto is killed. It has messages in memory, and writes them to its disk now and then. */

const check = spawnSync('mosquitto', ['-h']).error === undefined ? test : test.skip;

/** A broker that writes to its disk only when it is told to. */
async function startBroker(t: ExecutionContext) {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'mqtt-killed-')), await freePort()];
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const settings = [
    ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', `user ${process.getuid?.() === 0 ? 'root' : 'mosquitto'}`],
    ...['persistence true', `persistence_location ${folder}/`, 'autosave_interval 0', 'log_dest stderr', 'log_type all'],
  ];
  await writeFile(join(folder, 'mosquitto.conf'), settings.join('\n'));
  const start = () => startProgram(['mosquitto', '-c', join(folder, 'mosquitto.conf')], port);
  let server = await start();
  t.teardown(() => server.kill());
  return {
    url: `mqtt://127.0.0.1:${port}`,
    output: () => server.output(),

    /** Resolves when everything it has is on the disk. */
    async save() {
      process.kill(server.pid, 'SIGUSR1');
      await until(() => server.output().includes('Saving in-memory database'));
      await until(() => spawnSync('sh', ['-c', `test -s ${folder}/mosquitto.db && ! test -e ${folder}/mosquitto.db.new`]).status === 0);
    },

    async killAndRestart() {
      await server.kill('SIGKILL');
      server = await start();
    },
  };
}

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 20));
}

check('when the broker is killed, what it had written comes, again where it had not written the acknowledgement, and is known', async t => {
  t.timeout(240_000);
  const broker = await startBroker(t);
  const calls: string[] = [];
  const house = {
    ...fakeHouse({
      clock: systemClock,
      async deliver(delivery) {
        calls.push(String((await (delivery as MessageDelivery).input()).body));
        delivery.reply({status: 200, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const {own} = mqtt.read({url: broker.url, clientId: 'shop', topic: 'orders/#', order: 'none'});
  const options = {...own, url: broker.url};
  const terms = {concurrency: 5, ack: 'settled', attempts: undefined, retryMs: 1000} as const;
  const start = () => new Consumer({...terms, type: 'mqtt', connect: (given, most) => connectMqtt(options, given, most)}, house);
  const send = async (...names: string[]) => {
    const client = await connectAsync(broker.url, {protocolVersion: 5});
    const properties = (name: string) => ({properties: {userProperties: {'message-id': name}}});
    for (const name of names) await client.publishAsync('orders/new', name, {qos: 1, ...properties(name)});
    await client.endAsync();
  };
  const connected = async (consumer: Consumer) => {
    await until(() => consumer.detail() === undefined);
    return consumer;
  };

  await (await connected(start()))[Symbol.asyncDispose](); // from now on the broker keeps messages for it
  await send('written 1', 'written 2');
  await broker.save();
  await send('in memory');
  const first = start();
  await until(() => calls.length === 3);
  await until(() => broker.output().match(/Received PUBACK from shop /g)?.length === 3);
  await first[Symbol.asyncDispose]();
  await broker.killAndRestart();
  const again = await connected(start());
  await until(() => again.view().outcomes.duplicate === 2);
  t.deepEqual(calls, ['written 1', 'written 2', 'in memory'], 'no one was called with twice');
  await again[Symbol.asyncDispose]();

  await broker.save();
  await send('lost');
  await broker.killAndRestart();
  await using _ = await connected(start());
  await send('after');
  await until(() => calls.length === 4);
  t.is(calls.at(-1), 'after', 'the broker had acknowledged the one before, and has forgotten it');
});
