import {GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageBatchCommand, SQSClient} from '@aws-sdk/client-sqs';
import {missing, startElasticMq} from '../helpers/elasticmq.ts';
import {messageSuite} from '../helpers/message-suite.ts';

const keys = {accessKeyId: 'x', secretAccessKey: 'x'};
const region = 'elasticmq';

messageSuite('sqs', {
  type: 'sqs',
  hasAttributes: true,
  isBounded: true,
  keepsUnacknowledged: true,
  lease: 'lease',
  missing,

  async open(t) {
    const server = await startElasticMq(t, 'orders {defaultVisibilityTimeout = 2 seconds}, dead {}');
    const [queue, dead] = [`${server.url}/orders`, `${server.url}/dead`];
    const client = new SQSClient({region, credentials: {...keys}, maxAttempts: 1, endpoint: new URL(queue).origin});
    t.teardown(() => client.destroy());

    return {
      ...server,
      entry: {type: 'sqs', queue, region, ...keys, deadLetter: dead, lease: '2s', retry: '50ms'},

      async send(messages) {
        for (let first = 0; first < messages.length; first += 10) {
          const Entries = messages.slice(first, first + 10).map(({body, attributes = {}}, index) => {
            const given = Object.entries(attributes).map(([name, text]) => [name, {DataType: 'String', StringValue: text}]);
            return {Id: String(index), MessageBody: body, MessageAttributes: Object.fromEntries(given)};
          });
          const {Failed = []} = await client.send(new SendMessageBatchCommand({QueueUrl: queue, Entries}));
          if (Failed.length > 0) throw new Error(Failed[0]?.Message);
        }
      },

      async left() {
        const names = [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ] as const;
        const {Attributes = {}} = await client.send(new GetQueueAttributesCommand({QueueUrl: queue, AttributeNames: [...names]}));
        return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
      },

      async buried() {
        const command = new ReceiveMessageCommand({QueueUrl: dead, MaxNumberOfMessages: 10, VisibilityTimeout: 0});
        return ((await client.send(command)).Messages ?? []).map(({Body = ''}) => Body);
      },
    };
  },
});
