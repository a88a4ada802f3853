import type {ListedTrigger} from '../../src/trigger.ts';

/** The systems of messages that come with the core, by the type that an entry names. A new one is a folder and a line here. */
// biome-ignore lint/suspicious/noExplicitAny: each has options of its own, which only it reads
export const messageSystems: Readonly<Record<string, () => Promise<ListedTrigger<any>>>> = {
  amqp: async () => (await import('../amqp/index.ts')).amqp,
  kafka: async () => (await import('../kafka/index.ts')).kafka,
  mqtt: async () => (await import('../mqtt/index.ts')).mqtt,
  nats: async () => (await import('../nats/index.ts')).nats,
  redis: async () => (await import('../redis/index.ts')).redis,
  sqs: async () => (await import('../sqs/index.ts')).sqs,
};
