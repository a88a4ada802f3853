import {spawnSync} from 'node:child_process';
import test from 'ava';
import {connectAsync} from 'mqtt';
import {systemClock} from '../../src/clock.ts';
import {Consumer} from '../../src/messages/consumer.ts';
import {mqtt} from '../../triggers/mqtt/index.ts';
import {connectMqtt} from '../../triggers/mqtt/topic.ts';
import {startProgram} from '../helpers/broker.ts';
import {fakeHouse} from '../helpers/fakes.ts';
import {freePort} from '../helpers/port.ts';

const check = spawnSync('mosquitto', ['-h']).error === undefined ? test : test.skip;

check('a connection that is not read on, as too much waits, lasts for as long as the calls do', async t => {
  t.timeout(120_000);
  const port = await freePort();
  const broker = await startProgram(['mosquitto', '-v', '-p', String(port)], port);
  t.teardown(() => broker.kill());
  const url = `mqtt://127.0.0.1:${port}`;
  const held = Promise.withResolvers<void>();
  let calls = 0;
  const house = {
    ...fakeHouse({
      clock: systemClock,
      async deliver(delivery) {
        calls++;
        await held.promise;
        delivery.reply({status: 200, headers: [], body: ''});
      },
    }),
    name: 'orders',
  };
  const {own} = mqtt.read({url, clientId: 'shop', topic: 'orders'});
  const terms = {concurrency: 1, ack: 'settled', attempts: undefined, retryMs: 50} as const;
  await using consumer = new Consumer({...terms, type: 'mqtt', connect: (given, most) => connectMqtt({...own, url}, given, most)}, house);
  await until(() => consumer.detail() === undefined);
  const sender = await connectAsync(url);
  await Promise.all(Array.from({length: 1500}, () => sender.publishAsync('orders', 'x', {qos: 0})));
  await until(() => calls === 1);
  const pings = () => broker.output().match(/PINGREQ from shop/g)?.length ?? 0;
  await until(() => consumer.detail() !== undefined || pings() > 4);
  t.is(consumer.detail(), undefined);
  held.resolve();
  await until(() => calls === 1500);
  await sender.endAsync();
});

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise(resolve => setTimeout(resolve, 20));
}
