import {Admin, Consumer, ListOffsetTimestamps, Producer} from '@platformatic/kafka';
import {projectFile} from '../../test/helpers/core.ts';
import {missing, startKafka} from '../../test/helpers/kafka.ts';
import type {MessageSystem} from './system.ts';
import {asTest} from './teardown.ts';

const [topic, group] = ['bench', 'bench'];
const partitions = [0, 1, 2, 3, 4, 5, 6, 7];

/** @throws Error when it is not installed */
export async function openKafka(stack: AsyncDisposableStack): Promise<MessageSystem> {
  if (missing !== undefined) throw new Error(missing);
  const {address} = await startKafka(asTest(stack));
  const client = {clientId: 'bench', bootstrapBrokers: [address]};
  const admin = new Admin(client);
  await admin.createTopics({topics: [topic], partitions: partitions.length, replicas: 1});
  const [producer, counter] = [new Producer(client), new Consumer({...client, groupId: group})];
  for (const each of [admin, producer, counter]) stack.defer(() => each.close());
  const ends = async () => (await counter.listOffsets({topics: [topic], timestamp: ListOffsetTimestamps.LATEST})).get(topic) ?? [];
  while ((await ends().catch(() => [])).length === 0); // its leaders are known a little later
  let sent = 0;
  return {
    title: 'Kafka, one broker, eight partitions',
    entry: {type: 'kafka', brokers: [address], topic, group},
    loop: [projectFile('bench/messages/kafka-loop.ts'), address, topic, group],

    async publish(bodies) {
      const messages = bodies.map(body => ({topic, partition: sent++ % partitions.length, value: Buffer.from(body)}));
      await producer.send({acks: -1, messages});
    },

    async left() {
      const done = (await counter.listCommittedOffsets({topics: [{topic, partitions}]})).get(topic) ?? [];
      return (await ends()).reduce((sum, end, partition) => sum + Number(end) - Math.max(0, Number(done[partition] ?? 0n)), 0);
    },

    async empty() {}, // both belong to one group, and go on where it is
  };
}
