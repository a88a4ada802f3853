import {jetstream, jetstreamManager} from '@nats-io/jetstream';
import {connect} from '@nats-io/transport-node';
import {projectFile} from '../../test/helpers/core.ts';
import {natsServer, startNats} from '../../test/helpers/nats.ts';
import type {MessageSystem} from './system.ts';

const [stream, subject, consumer] = ['bench', 'bench.orders', 'bench'];

/** @throws Error when it is not installed */
export async function openNats(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (!natsServer) throw new Error('there is no nats-server: CORE_TEST_NATS names the folder that has it');
  const {hosts} = stack.use(await startNats(1));
  const url = `nats://${hosts}`;
  const client = await connect({servers: url});
  stack.defer(() => client.close());
  const manager = await jetstreamManager(client);
  await manager.streams.add({name: stream, subjects: [subject]});
  return {
    title: `NATS ${client.info?.version}, one server, each write synced`,
    entry: {type: 'nats', url, stream, consumer},
    loop: [projectFile('bench/messages/nats-loop.ts'), url, stream, consumer],

    async publish(bodies) {
      await Promise.all(bodies.map(body => jetstream(client).publish(subject, body)));
    },

    async left() {
      const info = await manager.consumers.info(stream, consumer).catch(() => undefined);
      return info ? info.num_pending + info.num_ack_pending : 1;
    },

    async empty() {
      await manager.consumers.delete(stream, consumer).catch(() => {}); // there is none yet
      await manager.streams.purge(stream);
    },
  };
}
