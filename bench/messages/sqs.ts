import {CreateQueueCommand, GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient} from '@aws-sdk/client-sqs';
import {projectFile} from '../../test/helpers/core.ts';
import {missing, startElasticMq} from '../../test/helpers/elasticmq.ts';
import type {MessageSystem} from './system.ts';
import {asTest} from './teardown.ts';

const keys = {accessKeyId: 'x', secretAccessKey: 'x'};
const region = 'elasticmq';
const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'] as const;

/**
Each run has a queue of its own: a request for messages of a reader that has ended waits at the server for up to 20 s, and takes
the first of the next run, which nobody else gets for half a minute.

@throws Error when it is not installed
*/
export async function openSqs(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (missing !== undefined) throw new Error(missing);
  const server = await startElasticMq(asTest(stack), 'bench {defaultVisibilityTimeout = 30 seconds}');
  let [run, QueueUrl] = [0, `${server.url}/bench`];
  const client = new SQSClient({region, credentials: {...keys}, endpoint: new URL(QueueUrl).origin});
  stack.defer(() => client.destroy());
  return {
    title: 'ElasticMQ, with files, a tenth of the messages',
    part: 1 / 10, // it writes some hundreds a second to its disk, whoever reads
    get entry() {
      return {type: 'sqs', queue: QueueUrl, region, ...keys};
    },
    get loop() {
      return [projectFile('bench/messages/sqs-loop.ts'), QueueUrl, region];
    },

    async publish(bodies) {
      const firsts = Array.from({length: Math.ceil(bodies.length / 10)}, (_, batch) => 10 * batch);
      const send = (first: number) => {
        const Entries = bodies.slice(first, first + 10).map((MessageBody, index) => ({Id: String(index), MessageBody}));
        return client.send(new SendMessageBatchCommand({QueueUrl, Entries}));
      };
      await Promise.all(firsts.map(send));
    },

    async left() {
      const {Attributes = {}} = await client.send(new GetQueueAttributesCommand({QueueUrl, AttributeNames: [...counts]}));
      return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
    },

    async empty() {
      const QueueName = `bench-${++run}`;
      await client.send(new CreateQueueCommand({QueueName, Attributes: {VisibilityTimeout: '30'}}));
      QueueUrl = `${server.url}/${QueueName}`;
    },
  };
}
