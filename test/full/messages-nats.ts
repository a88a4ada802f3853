import {jetstream, jetstreamManager} from '@nats-io/jetstream';
import {connect, headers} from '@nats-io/transport-node';
import {messageSuite} from '../helpers/message-suite.ts';
import {natsServer, patient, startNats} from '../helpers/nats.ts';

/* CORE_TEST_NATS names the folder that has nats-server; .ci/run installs it. */

messageSuite('nats', {
  type: 'nats',
  hasAttributes: true,
  isBounded: true,
  keepsUnacknowledged: true,
  lease: 'lease',
  missing: natsServer ? undefined : 'there is no nats-server: CORE_TEST_NATS names the folder that has it',

  async open(t) {
    const cluster = await startNats(1);
    t.teardown(() => cluster[Symbol.asyncDispose]());
    const [node] = cluster.nodes;
    const url = `nats://${cluster.hosts}`;
    async function withClient<T>(act: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> {
      const client = await connect({servers: url, reconnect: false});
      try {
        return await act(client);
      } finally {
        await client.close();
      }
    }
    await withClient(async client => {
      const manager = await jetstreamManager(client, patient);
      await manager.streams.add({name: 'orders', subjects: ['orders.*']});
      await manager.streams.add({name: 'dead', subjects: ['dead']});
    });

    return {
      entry: {type: 'nats', url, stream: 'orders', consumer: 'shop', deadLetter: 'dead', lease: '2s', retry: '50ms'},
      send: messages =>
        withClient(async client => {
          const publish = ({body, attributes = {}}: (typeof messages)[number]) => {
            const fields = headers();
            for (const [name, value] of Object.entries(attributes)) fields.set(name, value);
            return jetstream(client, patient).publish('orders.new', body, {headers: fields});
          };
          await Promise.all(messages.map(publish));
        }),
      left: () =>
        withClient(async client => {
          const manager = await jetstreamManager(client, patient);
          const info = await manager.consumers.info('orders', 'shop').catch(() => undefined);
          return info ? info.num_pending + info.num_ack_pending : Number.NaN;
        }),
      buried: () =>
        withClient(async client => {
          const manager = await jetstreamManager(client, patient);
          const {state} = await manager.streams.info('dead');
          const bodies: string[] = [];
          for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
            bodies.push((await manager.streams.getMessage('dead', {seq}))?.string() ?? '');
          return bodies;
        }),
      kill: async () => node?.kill(),
      restart: async () => node?.start(),
    };
  },
});
