import {spawnSync} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {connect, connectAsync, type IClientOptions, type MqttClient} from 'mqtt';
import {startProgram} from '../helpers/broker.ts';
import {messageSuite} from '../helpers/message-suite.ts';
import {freePort} from '../helpers/port.ts';

/* Debian: package mosquitto. */

const hasMosquitto = spawnSync('mosquitto', ['-h']).error === undefined;

for (const [title, version, group] of [
  ['mqtt 5, shared', '5', 'shop'],
  ['mqtt 3.1.1', '3.1.1', undefined],
] as const) {
  messageSuite(title, {
    type: 'mqtt',
    hasAttributes: version === '5',
    hasNoIds: version === '3.1.1',
    carriesBytes: true,
    keepsUnacknowledged: true,
    ...(version === '3.1.1' && {mostAgain: 20}), // what this server hands out before an acknowledgement: nothing limits or names it
    missing: hasMosquitto ? undefined : 'mosquitto is not installed',

    async open(t) {
      const [folder, port] = [await mkdtemp(join(tmpdir(), 'mqtt-')), await freePort()];
      t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
      const settings = [
        ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', `user ${process.getuid?.() === 0 ? 'root' : 'mosquitto'}`],
        ...['persistence true', `persistence_location ${folder}/`, 'max_queued_messages 0', 'log_dest stderr', 'log_type all'],
      ];
      await writeFile(join(folder, 'mosquitto.conf'), settings.join('\n'));
      const start = () => startProgram(['mosquitto', '-c', join(folder, 'mosquitto.conf')], port);
      let server = await start();
      let log = '';
      const bodies: string[] = [];
      t.teardown(() => server.kill());
      const url = `mqtt://127.0.0.1:${port}`;
      const protocolVersion = version === '5' ? 5 : 4;

      async function withClient<T>(act: (client: MqttClient) => Promise<T>, more: IClientOptions = {}): Promise<T> {
        const client = await connectAsync(url, {reconnectPeriod: 0, protocolVersion, ...more}, false);
        client.on('error', () => {});
        try {
          return await act(client);
        } finally {
          client.end(true);
        }
      }
      // Two subscribers that the broker keeps messages for: the core before it has ever connected, and whoever looks at dead letters.
      const keeping = {clean: false, ...(version === '5' && {properties: {sessionExpiryInterval: 3600}})};
      const topic = group === undefined ? 'orders/#' : `$share/${group}/orders/#`;
      await withClient(client => client.subscribeAsync(topic, {qos: 1}), {...keeping, clientId: 'core'});
      await withClient(client => client.subscribeAsync('dead', {qos: 1}), {...keeping, clientId: 'people'});

      return {
        entry: {
          ...{type: 'mqtt', url, version, clientId: 'core', topic: 'orders/#', order: 'none', deadLetter: 'dead', retry: '50ms'},
          ...(group !== undefined && {group}),
        },
        send: messages =>
          withClient(async client => {
            const lost = new Promise<never>((_, reject) => client.on('close', () => reject(new Error('the connection was closed'))));
            lost.catch(() => {});
            let reachesNobody = false;
            client.on('packetreceive', packet => {
              reachesNobody = packet.cmd === 'puback' && packet.reasonCode === 16;
            });
            let sent = 0;
            for (const {body, bytes = body, attributes} of messages) {
              const properties = version === '5' && {userProperties: {...attributes, 'message-id': randomUUID()}};
              do {
                await Promise.race([client.publishAsync(`orders/${sent}`, bytes, {qos: 1, ...(properties && {properties})}), lost]);
              } while (reachesNobody); // this server forgets shared subscriptions when it ends, until the core has subscribed again
              sent++;
            }
          }),
        async left() {
          const said = log + server.output();
          const count = (pattern: RegExp) => said.match(pattern)?.length ?? 0;
          const received = count(/Received PUBLISH from \S+ \(d\d, q1, r\d, m\d+, 'orders/g);
          const forNobody = count(/Sending PUBACK to \S+ \(m\d+, rc16\)/g);
          return received - forNobody - count(/Received PUBACK from core /g);
        },
        async buried() {
          const client = connect(url, {reconnectPeriod: 0, protocolVersion, ...keeping, clientId: 'people'});
          client.on('error', () => {}).on('message', (_, body) => void bodies.push(String(body)));
          await new Promise(resolve => setTimeout(resolve, 300));
          await client.endAsync();
          return bodies;
        },
        // What it has not written to its disk is lost when it is killed, also what it has acknowledged: so it is ended.
        kill: () => server.kill('SIGTERM'),
        async restart() {
          log += server.output();
          server = await start();
        },
      };
    },
  });
}
