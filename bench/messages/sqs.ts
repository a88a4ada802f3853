import {GetQueueAttributesCommand, PurgeQueueCommand, SendMessageBatchCommand, SQSClient} from '@aws-sdk/client-sqs';
import {projectFile} from '../../test/helpers/core.ts';
import {missing, startElasticMq} from '../../test/helpers/elasticmq.ts';
import type {MessageSystem} from './system.ts';
import {asTest} from './teardown.ts';

const keys = {accessKeyId: 'x', secretAccessKey: 'x'};
const region = 'elasticmq';
const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'] as const;

/** @throws Error when it is not installed */
export async function openSqs(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (missing !== undefined) throw new Error(missing);
  const server = await startElasticMq(asTest(stack), 'bench {defaultVisibilityTimeout = 30 seconds}');
  const QueueUrl = `${server.url}/bench`;
  const client = new SQSClient({region, credentials: {...keys}, endpoint: new URL(QueueUrl).origin});
  stack.defer(() => client.destroy());
  return {
    title: 'ElasticMQ, with files',
    entry: {type: 'sqs', queue: QueueUrl, region, ...keys},
    loop: [projectFile('bench/messages/sqs-loop.ts'), QueueUrl, region],

    async publish(bodies) {
      for (let first = 0; first < bodies.length; first += 10) {
        const Entries = bodies.slice(first, first + 10).map((MessageBody, index) => ({Id: String(index), MessageBody}));
        await client.send(new SendMessageBatchCommand({QueueUrl, Entries}));
      }
    },

    async left() {
      const {Attributes = {}} = await client.send(new GetQueueAttributesCommand({QueueUrl, AttributeNames: [...counts]}));
      return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
    },

    async empty() {
      await client.send(new PurgeQueueCommand({QueueUrl}));
    },
  };
}
