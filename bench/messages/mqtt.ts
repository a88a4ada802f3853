import {spawnSync} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {connectAsync} from 'mqtt';
import {startProgram} from '../../test/helpers/broker.ts';
import {projectFile} from '../../test/helpers/core.ts';
import {newPort, temporaryFolder} from '../servers.ts';
import type {MessageSystem} from './system.ts';

const [clientId, topic] = ['bench', 'bench/#'];
/** Messages of one topic are handled one after the other. */
const topics = 100;

/** @throws Error when it is not installed */
export async function openMqtt(stack: AsyncDisposableStack): Promise<MessageSystem> {
  const version = /mosquitto version (\S+)/.exec(String(spawnSync('mosquitto', ['-h']).stdout))?.[1];
  if (version === undefined) throw new Error('mosquitto is not installed');
  const [folder, port] = [await temporaryFolder(stack), await newPort()];
  const file = join(folder, 'mosquitto.conf');
  const settings = [
    ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', `user ${process.getuid?.() === 0 ? 'root' : 'mosquitto'}`],
    ...[
      'persistence true',
      `persistence_location ${folder}/`,
      'max_queued_messages 0',
      'set_tcp_nodelay true',
      'log_dest stderr',
      'log_type debug',
    ],
  ];
  await writeFile(file, settings.join('\n'));
  const server = await startProgram(['mosquitto', '-c', file], port);
  stack.defer(() => server.kill());
  const url = `mqtt://127.0.0.1:${port}`;
  const first = await connectAsync(url, {clientId, protocolVersion: 5, clean: false, properties: {sessionExpiryInterval: 3600}});
  await first.subscribeAsync(topic, {qos: 1}); // from now on the broker keeps messages for it
  await first.endAsync();
  const client = await connectAsync(url, {protocolVersion: 5});
  stack.defer(() => client.endAsync(true));
  const acknowledged = countOf(server.output, `Received PUBACK from ${clientId} `);
  let sent = 0;
  return {
    title: `mosquitto ${version}, MQTT 5, with its log as it counts`,
    entry: {type: 'mqtt', url, clientId, topic},
    loop: [projectFile('bench/messages/mqtt-loop.ts'), url, clientId, topic],

    async publish(bodies) {
      await Promise.all(bodies.map(body => client.publishAsync(`bench/${sent++ % topics}`, body, {qos: 1})));
    },

    left: async () => sent - acknowledged(),

    async empty() {}, // both belong to one session, and go on where it is
  };
}

/** Counts what a log says, and reads each part of it once. */
function countOf(log: () => string, what: string): () => number {
  let [count, read] = [0, 0];
  return () => {
    const all = log();
    for (let at = all.indexOf(what, read); at >= 0; at = all.indexOf(what, read)) {
      count++;
      read = at + what.length;
    }
    return count;
  };
}
