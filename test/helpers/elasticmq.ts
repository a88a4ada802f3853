import {existsSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {startProgram} from './broker.ts';
import {freePort} from './port.ts';

/** A folder with the jars of ElasticMQ; `.ci/run` fills it. */
const jars = process.env.CORE_TEST_ELASTICMQ ?? '';

export const missing = existsSync(jars) ? undefined : 'CORE_TEST_ELASTICMQ names no folder with ElasticMQ';

export interface ElasticMq {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts a server that keeps its messages in files. @param queues in its own notation */
export async function startElasticMq(t: ExecutionContext, queues: string): Promise<ElasticMq> {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'elasticmq-')), await freePort()];
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const config = `
node-address {protocol = http, host = "127.0.0.1", port = ${port}, context-path = ""}
rest-sqs {enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict}
rest-stats {enabled = false}
messages-storage {enabled = true, uri = "jdbc:h2:${folder}/messages;WRITE_DELAY=0", username = "sa", password = ""}
queues {${queues}}`;
  await writeFile(join(folder, 'server.conf'), config);
  await writeFile(join(folder, 'logback.xml'), '<configuration><root level="OFF"/></configuration>');
  const memory = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];
  const settings = [`-Dconfig.file=${folder}/server.conf`, `-Dlogback.configurationFile=${folder}/logback.xml`];
  const main = 'org.elasticmq.server.Main';
  const start = () => startProgram(['java', ...memory, ...settings, '-cp', `${jars}/*`, main], port, {cwd: folder});
  let server = await start();
  t.teardown(() => server.kill());
  return {
    url: `http://127.0.0.1:${port}/000000000000`,
    kill: () => server.kill(),
    async restart() {
      server = await start();
    },
  };
}
