import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {cp, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {SendMessageCommand, SQSClient} from '@aws-sdk/client-sqs';
import {jetstream, jetstreamManager} from '@nats-io/jetstream';
import {connect as connectNats} from '@nats-io/transport-node';
import {Admin, Producer} from '@platformatic/kafka';
import {createClient} from '@redis/client';
import {connect as connectAmqp} from 'amqplib';
import test, {type ExecutionContext} from 'ava';
import {connectAsync} from 'mqtt';
import {parse} from 'yaml';
import {startProgram} from '../helpers/broker.ts';
import {projectFile, startCore} from '../helpers/core.ts';
import {missing as missingElasticMq} from '../helpers/elasticmq.ts';
import {formatKafka, kafkaCommand, missing as missingKafka} from '../helpers/kafka.ts';
import {natsServer, patient} from '../helpers/nats.ts';
import {freePort} from '../helpers/port.ts';
import {missingRabbitMq, startRabbitMq} from '../helpers/rabbitmq.ts';
import {ask} from '../helpers/request.ts';

/*
The examples with a broker, without an engine: the real broker takes the configuration of the example, and the core its entry;
a message is sent, and the function of the example is called with it. Only addresses and folders are those of this machine.
*/

const examples = projectFile('examples/13-messages');
const order = JSON.stringify({order: 1});
const has = (program: string, ...args: string[]) => spawnSync(program, args).error === undefined;

interface Example {
  readonly missing: string | undefined;
  /** Starts the broker of a folder with its configuration at this port. @returns sends a message */
  start(t: ExecutionContext, folder: string, port: number): Promise<() => Promise<unknown>>;
}

async function program(t: ExecutionContext, command: readonly [string, ...string[]], port: number): Promise<void> {
  const server = await startProgram(command, port);
  t.teardown(() => server.kill());
}

const all: Readonly<Record<string, Example>> = {
  redis: {
    missing: has('redis-server', '--version') ? undefined : 'redis-server is not installed',
    async start(t, folder, port) {
      await program(t, ['redis-server', join(folder, 'redis.conf'), '--port', String(port)], port);
      const client = createClient({url: `redis://127.0.0.1:${port}`});
      await client.connect();
      t.teardown(() => client.destroy());
      return () => client.xAdd('orders', '*', {body: order});
    },
  },

  nats: {
    missing: natsServer ? undefined : 'there is no nats-server',
    async start(t, folder, port) {
      await program(t, [natsServer ?? '', '--config', join(folder, 'nats.conf')], port);
      const client = await connectNats({servers: `127.0.0.1:${port}`});
      t.teardown(() => client.close());
      const {command} = parse(await readFile(join(folder, 'compose.yaml'), 'utf8')).services.setup;
      const subjects = command[command.indexOf('--subjects') + 1].split(',');
      await (await jetstreamManager(client, patient)).streams.add({name: 'orders', subjects});
      return () => jetstream(client, patient).publish('orders.new', order);
    },
  },

  mqtt: {
    missing: has('mosquitto', '-h') ? undefined : 'mosquitto is not installed',
    async start(t, folder, port) {
      const file = join(folder, 'mosquitto.conf');
      await writeFile(file, `${await readFile(file, 'utf8')}\nuser ${process.getuid?.() === 0 ? 'root' : 'mosquitto'}\n`);
      await program(t, ['mosquitto', '-c', file], port);
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {protocolVersion: 5});
      t.teardown(() => client.end(true));
      return () => client.publishAsync('orders/new', order, {qos: 1});
    },
  },

  amqp: {
    missing: missingRabbitMq,
    async start(t, folder, port) {
      const server = await startRabbitMq({port, configuration: join(folder, 'rabbitmq.conf')});
      t.teardown(() => server.end());
      const connection = await connectAmqp(`amqp://shop:shop@127.0.0.1:${port}`);
      t.teardown(() => connection.close());
      const channel = await connection.createConfirmChannel();
      return async () => {
        channel.sendToQueue('orders', Buffer.from(order), {messageId: '1'});
        await channel.waitForConfirms();
      };
    },
  },

  kafka: {
    missing: missingKafka,
    async start(t, folder, port) {
      const file = join(folder, 'server.properties');
      await formatKafka(file);
      await program(t, kafkaCommand(file), port);
      const client = {clientId: 'example', bootstrapBrokers: [`127.0.0.1:${port}`]};
      const [admin, producer] = [new Admin(client), new Producer(client)];
      t.teardown(async () => void (await Promise.all([admin.close(), producer.close()])));
      await admin.createTopics({topics: ['orders', 'orders.dead'], partitions: 8, replicas: 1});
      return () => producer.send({acks: -1, messages: [{topic: 'orders', value: Buffer.from(order)}]});
    },
  },

  sqs: {
    missing: missingElasticMq,
    async start(t, folder, port) {
      const jars = `${process.env.CORE_TEST_ELASTICMQ}/*`;
      await program(
        t,
        ['java', '-Xmx192m', `-Dconfig.file=${join(folder, 'elasticmq.conf')}`, '-cp', jars, 'org.elasticmq.server.Main'],
        port,
      );
      const credentials = {accessKeyId: 'x', secretAccessKey: 'x'};
      const endpoint = `http://127.0.0.1:${port}`;
      const client = new SQSClient({region: 'elasticmq', endpoint, credentials});
      t.teardown(() => client.destroy());
      return () => client.send(new SendMessageCommand({QueueUrl: `${endpoint}/000000000000/orders`, MessageBody: order}));
    },
  },
};

/** The folders that containers have, and where they are here; names of services are the loopback. */
async function copyHere(t: ExecutionContext, type: string, port: number): Promise<{folder: string; env: Record<string, string>}> {
  const folder = await mkdtemp(join(tmpdir(), `example-${type}-`));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  await cp(join(examples, type), folder, {recursive: true});
  const {services} = parse(await readFile(join(folder, 'compose.yaml'), 'utf8')) as {
    services: Record<string, {volumes?: string[]; environment?: Record<string, string>}>;
  };
  const mounts = Object.entries(services)
    .filter(([name]) => name !== 'runtime')
    .flatMap(([, {volumes = []}]) => volumes.map(mount => mount.split(':')));
  const second = String(await freePort());
  const third = String(await freePort());
  const here = (text: string) => {
    let changed = text;
    for (const [source = '', target = ''] of mounts)
      changed = changed.replaceAll(target.replace(/\/$/, ''), source.startsWith('.') ? join(folder, source) : folder);
    for (const name of Object.keys(services)) changed = changed.replaceAll(new RegExp(`(?<=[@/"' ])${name}(?=:\\d)`, 'g'), '127.0.0.1');
    return changed
      .replaceAll(/\b(?:6379|4222|1883|5672|9092|9324)\b/g, String(port))
      .replaceAll(/\b(?:8222|9093)\b/g, second)
      .replaceAll(/\b15672\b/g, third)
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replaceAll(/host = sqs\b/g, 'host = "127.0.0.1"');
  };
  for (const name of await readdir(folder)) {
    if (name === 'compose.yaml' || !existsSync(join(folder, name))) continue;
    await writeFile(join(folder, name), here(await readFile(join(folder, name), 'utf8')));
  }
  const env = services.runtime?.environment ?? {};
  return {folder, env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, here(text)]))};
}

for (const [type, {missing, start}] of Object.entries(all)) {
  const title = `the example with ${type} calls its function`;
  const run = async (t: ExecutionContext) => {
    t.timeout(240_000);
    const port = await freePort();
    const {folder, env} = await copyHere(t, type, port);
    const send = await start(t, folder, port);
    const core = await startCore({...env, SCW_HANDLER_PATH: join(examples, 'function/handler.js'), CORE_JOURNAL: 'memory:'}, t);
    while (!/core_messages_connected\{[^}]*\} 1/.test((await ask(`${core.adminUrl}/metrics`)).text()));
    await send();
    const line = await core.logged(({msg}) => / order 1$|: order 1$/.test(msg));
    t.regex(line.msg, new RegExp(`^${type} .+, attempt 1: order 1$`));
    t.is(await core.stop(), 0);
  };
  if (missing === undefined) test.serial(title, run);
  else test.skip(`${title} (skipped: ${missing})`, run);
}
