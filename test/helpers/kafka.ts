import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import type {ExecutionContext} from 'ava';
import {startProgram} from './broker.ts';
import {freePort} from './port.ts';

/** A folder with the jars of Apache Kafka; `.ci/run` fills it. */
const jars = process.env.CORE_TEST_KAFKA ?? '';

export const missing = existsSync(jars) ? undefined : 'CORE_TEST_KAFKA names no folder with Apache Kafka';

export interface KafkaServer {
  readonly address: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const memory = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];
const java = [...memory, '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', `${jars}/*`];

/** Makes the folders that a file of properties names. */
export async function formatKafka(file: string): Promise<void> {
  await promisify(execFile)('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAA', '-c', file]);
}

export const kafkaCommand = (file: string) => ['java', ...java, 'kafka.Kafka', file] as const;

/** Starts a broker that is its own controller. */
export async function startKafka(t: ExecutionContext): Promise<KafkaServer> {
  const [folder, port, controller] = [await mkdtemp(join(tmpdir(), 'kafka-')), await freePort(), await freePort()];
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const address = `127.0.0.1:${port}`;
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://${address}`,
    'log.dirs': `${folder}/log`,
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
  };
  const file = join(folder, 'server.properties');
  await writeFile(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  await formatKafka(file);
  const start = () => startProgram(kafkaCommand(file), port, {cwd: folder});
  let server = await start();
  t.teardown(() => server.kill());
  return {
    address,
    kill: () => server.kill(),
    async restart() {
      server = await start();
    },
  };
}
