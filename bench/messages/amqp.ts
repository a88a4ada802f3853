import {connect} from 'amqplib';
import {projectFile} from '../../test/helpers/core.ts';
import {missingRabbitMq, startRabbitMq} from '../../test/helpers/rabbitmq.ts';
import type {MessageSystem} from './system.ts';

const queue = 'bench';

/** @throws Error when it is not installed */
export async function openAmqp(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (missingRabbitMq !== undefined) throw new Error(missingRabbitMq);
  const server = await startRabbitMq();
  stack.defer(() => server.end());
  const connection = await connect(server.url);
  stack.defer(() => connection.close());
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, {durable: true, arguments: {'x-queue-type': 'quorum'}});
  return {
    title: 'RabbitMQ, one server, quorum queue',
    entry: {type: 'amqp', url: server.url, queue},
    loop: [projectFile('bench/messages/amqp-loop.ts'), server.url, queue],

    async publish(bodies) {
      for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), {persistent: true});
      await channel.waitForConfirms();
    },

    left: () => server.left(queue),

    async empty() {
      await channel.purgeQueue(queue);
    },
  };
}
