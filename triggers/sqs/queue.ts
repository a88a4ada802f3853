import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {Batches} from '../../src/messages/batches.ts';
import type {ConnectHouse, Connection} from '../../src/messages/message.ts';
import {buriedCopy, type Handed, messageOf} from './message.ts';
import {mostAtOnce, receiveAll} from './receivers.ts';

export interface QueueOptions {
  /** A URL. */
  readonly queue: string;
  readonly endpoint: string | undefined;
  /** Undefined: that of the SDK, from the environment or its files. */
  readonly region: string | undefined;
  /** Undefined: those that the SDK finds in the environment, its files, or the machine that it runs on. */
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
  /** A URL. */
  readonly deadLetter: string | undefined;
  /** How long a message that nobody has extended is invisible to others. */
  readonly leaseMs: number;
}

/** Longest wait of a request for messages: the most that the protocol allows. */
const pollSeconds = 20;
/** Wait after an answer without messages that came at once. */
const pauseMs = 500;
/** Longest time for which a message may be invisible. */
const mostSeconds = 43_200;

/** Receives messages by long polling. */
export async function connectQueue(options: QueueOptions, {clock, givenUp}: ConnectHouse): Promise<Connection> {
  const {queue: QueueUrl, leaseMs, deadLetter} = options;
  const client = new SQSClient(clientOptions(options));
  givenUp?.addEventListener('abort', () => client.destroy());
  const isFifo = QueueUrl.endsWith('.fifo');
  const seconds = (ms: number) => Math.min(mostSeconds, Math.ceil(ms / 1000));
  const setVisibility = (ReceiptHandle: string | undefined, ms: number) =>
    client.send(new ChangeMessageVisibilityCommand({QueueUrl, ReceiptHandle, VisibilityTimeout: seconds(ms)}));
  const deletions = new Batches<string | undefined>(mostAtOnce, async handles => {
    const Entries = handles.map((ReceiptHandle, index) => ({Id: String(index), ReceiptHandle}));
    const {Failed = []} = await client.send(new DeleteMessageBatchCommand({QueueUrl, Entries}));
    return new Map(Failed.map(({Id, Code, Message}) => [Number(Id), new Error(`${Code}: ${Message ?? 'it was not deleted'}`)]));
  });
  /** When the first of each group that was given back is visible again: what comes after it in the group is so not earlier. */
  const backAt = new Map<string, number>();

  try {
    await client.send(new GetQueueAttributesCommand({QueueUrl, AttributeNames: ['QueueArn']})).catch(allowDenied);
  } catch (error) {
    client.destroy();
    if (error instanceof Error && error.message === 'Region is missing')
      throw new Error('no region is known: expected `region` in the entry, or AWS_REGION', {cause: error});
    throw error;
  }

  return {
    extendMs: leaseMs / 3,

    async consume(inlet) {
      await receiveAll(inlet, {
        async receive(most, signal) {
          const asked = clock.monotonic();
          const messages = await receive(most, signal);
          if (messages.length === 0 && clock.monotonic() - asked < pauseMs) await clock.sleep(pauseMs, signal);
          return messages;
        },
        take: message => void inlet.take(messageOf(message, {queue: QueueUrl, isFifo, handed: handed(message)})),
      });
    },

    async lag() {
      const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesDelayed' as const];
      const {Attributes = {}} = await client.send(new GetQueueAttributesCommand({QueueUrl, AttributeNames}));
      return {count: AttributeNames.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0)};
    },

    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };

  async function receive(MaxNumberOfMessages: number, abortSignal: AbortSignal) {
    const command = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages,
      WaitTimeSeconds: pollSeconds,
      VisibilityTimeout: seconds(leaseMs),
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
      AttributeNames: ['All'], // the same for servers that do not know the newer name
    });
    try {
      return (await client.send(command, {abortSignal})).Messages ?? [];
    } catch (error) {
      if (abortSignal.aborted) return [];
      throw error;
    }
  }

  function handed({ReceiptHandle}: Handed): Parameters<typeof messageOf>[1]['handed'] {
    return {
      accept: () => deletions.add(ReceiptHandle),
      extend: async () => void (await setVisibility(ReceiptHandle, leaseMs)),
      async giveBack(afterMs, group) {
        await setVisibility(ReceiptHandle, group === undefined ? afterMs : afterInGroup(group, afterMs));
      },
      ...(deadLetter !== undefined && {
        async bury(message: Handed, why: string) {
          const copy = buriedCopy(message, deadLetter.endsWith('.fifo'));
          const reason = {DataType: 'String', StringValue: why};
          const withReason = {...copy, MessageAttributes: {...copy.MessageAttributes, 'core-reason': reason}};
          await client
            .send(new SendMessageCommand({QueueUrl: deadLetter, ...withReason}))
            // A message may have as many attributes and bytes as are allowed: then the reason has no room.
            .catch(() => client.send(new SendMessageCommand({QueueUrl: deadLetter, ...copy})));
          await deletions.add(ReceiptHandle);
        },
      }),
    };
  }

  function afterInGroup(group: string, afterMs: number): number {
    const now = clock.monotonic();
    for (const [name, at] of backAt) if (at <= now) backAt.delete(name);
    const at = Math.max(backAt.get(group) ?? 0, now + afterMs);
    backAt.set(group, at);
    return at - now;
  }
}

function clientOptions({queue, endpoint, region, accessKeyId, secretAccessKey, sessionToken}: QueueOptions) {
  return {
    endpoint: endpoint ?? new URL(queue).origin, // left out, the SDK takes the same and warns on stderr
    ...(region !== undefined && {region}),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: {accessKeyId, secretAccessKey, ...(sessionToken !== undefined && {sessionToken})},
      }),
    requestHandler: {connectionTimeout: 5000, requestTimeout: 1000 * (pollSeconds + 10), throwOnRequestTimeout: true},
  };
}

/** Whoever may receive messages may not always look at the queue. The answer says all the same that it is there. */
function allowDenied(error: unknown): void {
  if (!(error instanceof Error) || !/^AccessDenied|^NotAuthorized/.test(error.name)) throw error;
}
