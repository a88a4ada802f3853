import {Admin, Consumer, ListOffsetTimestamps, Producer} from '@platformatic/kafka';
import {projectFile} from '../../test/helpers/core.ts';
import {missing, startKafka} from '../../test/helpers/kafka.ts';
import type {MessageSystem} from './system.ts';
import {asTest} from './teardown.ts';

const partitions = [0, 1, 2, 3, 4, 5, 6, 7];

/**
Each run has a topic and a group of its own: a reader that has ended is a member of its group until the end of its session, a minute
with the client's defaults, and for so long the next one would get nothing.

@throws Error when it is not installed
*/
export async function openKafka(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (missing !== undefined) throw new Error(missing);
  const {address} = await startKafka(asTest(stack));
  const client = {clientId: 'bench', bootstrapBrokers: [address]};
  const [admin, producer] = [new Admin(client), new Producer(client)];
  for (const each of [admin, producer]) stack.defer(() => each.close());
  let [run, sent, topic] = [0, 0, 'bench'];
  let counter = new Consumer({...client, groupId: topic});
  stack.defer(() => counter.close());
  const ends = async () => (await counter.listOffsets({topics: [topic], timestamp: ListOffsetTimestamps.LATEST})).get(topic) ?? [];
  return {
    title: 'Kafka, one broker, eight partitions',
    get entry() {
      return {type: 'kafka', brokers: [address], topic, group: topic};
    },
    get loop() {
      return [projectFile('bench/messages/kafka-loop.ts'), address, topic, topic];
    },

    async publish(bodies) {
      const messages = bodies.map(body => ({topic, partition: sent++ % partitions.length, value: Buffer.from(body)}));
      await producer.send({acks: -1, messages});
    },

    async left() {
      const done = (await counter.listCommittedOffsets({topics: [{topic, partitions}]})).get(topic) ?? [];
      return (await ends()).reduce((sum, end, partition) => sum + Number(end) - Math.max(0, Number(done[partition] ?? 0n)), 0);
    },

    async empty() {
      topic = `bench-${++run}`;
      await admin.createTopics({topics: [topic], partitions: partitions.length, replicas: 1});
      await counter.close();
      counter = new Consumer({...client, groupId: topic});
      while ((await ends().catch(() => [])).length < partitions.length); // its leaders are known a little later
    },
  };
}
