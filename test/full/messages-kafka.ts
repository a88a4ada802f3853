import {Admin, Consumer, ListOffsetTimestamps, Producer} from '@platformatic/kafka';
import {missing, startKafka} from '../helpers/kafka.ts';
import {messageSuite} from '../helpers/message-suite.ts';

messageSuite('kafka', {
  type: 'kafka',
  hasAttributes: true,
  keepsUnacknowledged: true,
  lease: 'session',
  mostAgain: 16, // four that run, and what was done while neither the group nor the journal had heard: only time limits it
  missing,

  async open(t) {
    const server = await startKafka(t);
    const [topic, dead, group, partitions] = ['orders', 'dead', 'g', [0, 1, 2, 3, 4, 5, 6, 7]];
    const client = {clientId: 'test', bootstrapBrokers: [server.address], retries: 3, retryDelay: 200, connectTimeout: 2000};

    /** Each with connections of its own, as those of before are lost when the broker is. */
    async function using<T>(made: T & {close(): Promise<void>}, act: (made: T) => Promise<unknown>): Promise<unknown> {
      try {
        return await act(made);
      } finally {
        await made.close().catch(() => {});
      }
    }
    const newConsumer = () => new Consumer({...client, groupId: group});
    const ends = (consumer: Consumer, of: string) => consumer.listOffsets({topics: [of], timestamp: ListOffsetTimestamps.LATEST});
    await using(new Admin(client), async admin => {
      await admin.createTopics({topics: [topic], partitions: partitions.length, replicas: 1});
      await admin.createTopics({topics: [dead], partitions: 1, replicas: 1});
    });
    // Its leaders are known a little later: the client sends everything again when it learns that only some were.
    const hasLeaders = (of: string) =>
      using(newConsumer(), consumer => ends(consumer, of)).then(
        () => true,
        () => false,
      );
    for (const each of [topic, dead]) while (!(await hasLeaders(each))) await new Promise(resolve => setTimeout(resolve, 50));
    let sent = 0;

    return {
      ...server,
      entry: {type: 'kafka', brokers: [server.address], topic, group, deadLetter: dead, session: '2s', retry: '50ms'},

      async send(messages) {
        await using(new Producer(client), producer =>
          producer.send({
            acks: -1,
            messages: messages.map(({body, attributes = {}}) => ({
              topic,
              partition: sent++ % partitions.length,
              value: Buffer.from(body),
              headers: new Map(Object.entries(attributes).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
            })),
          }),
        );
      },

      async left() {
        let count = 0;
        await using(newConsumer(), async consumer => {
          const [end, done] = [
            (await ends(consumer, topic)).get(topic),
            await consumer.listCommittedOffsets({topics: [{topic, partitions}]}),
          ];
          for (const partition of partitions) {
            const committed = done.get(topic)?.[partition] ?? -1n;
            count += Number(end?.[partition] ?? 0n) - Math.max(0, Number(committed));
          }
        });
        return count;
      },

      async buried() {
        const bodies: string[] = [];
        await using(newConsumer(), async consumer => {
          const count = Number((await ends(consumer, dead)).get(dead)?.[0] ?? 0n);
          if (count === 0) return;
          const offsets = [{topic: dead, partition: 0, offset: 0n}];
          const {topics} = await consumer.metadata({topics: [dead]});
          const response = await consumer.fetch({
            node: topics.get(dead)?.partitions[0]?.leader ?? 1,
            topics: offsets.map(({partition, offset: fetchOffset}) => ({
              topicId: topics.get(dead)?.id ?? '',
              partitions: [{partition, fetchOffset, partitionMaxBytes: 2 ** 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1}],
            })),
          });
          for (const batch of response.responses[0]?.partitions[0]?.records ?? [])
            bodies.push(...batch.records.map(({value}) => String(value)));
        });
        return bodies;
      },
    };
  },
});
