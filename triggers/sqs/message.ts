import type {Message as Handed, MessageAttributeValue, SendMessageCommandInput} from '@aws-sdk/client-sqs';
import type {Message} from '../../src/messages/message.ts';

export type {Handed};

/** How the queue is told what becomes of a message. */
export interface Hand {
  accept(): Promise<void>;
  extend(): Promise<void>;
  /** @param group of a queue that keeps an order */
  giveBack(afterMs: number, group: string | undefined): Promise<void>;
  bury?(message: Handed, why: string): Promise<void>;
}

/** A message that a queue has handed out, as every system has it. */
export function messageOf(message: Handed, {queue, isFifo, handed}: {queue: string; isFifo: boolean; handed: Hand}): Message {
  const {MessageId, Body = '', Attributes = {}, MessageAttributes = {}} = message;
  const {ApproximateReceiveCount, SentTimestamp, MessageGroupId: group, SequenceNumber: sequence} = Attributes;
  const name = queue.slice(queue.lastIndexOf('/') + 1);
  const attempt = Math.max(1, Number(ApproximateReceiveCount) || 1);
  const lane = isFifo ? group : undefined;
  const {bury} = handed;
  return {
    key: MessageId && `${name}/${MessageId}`,
    sentAt: Number(SentTimestamp) || undefined,
    body: Buffer.from(Body),
    contentType: contentTypeOf(MessageAttributes),
    attributes: attributesOf(MessageAttributes),
    facts: {queue: name, ...(group !== undefined && {group}), ...(sequence !== undefined && {sequence})},
    destination: name,
    attempt,
    mayBeAgain: true, // the count is approximate
    isFresh: attempt === 1,
    lane,
    accept: handed.accept,
    extend: handed.extend,
    giveBack: afterMs => handed.giveBack(afterMs, lane),
    ...(bury && {bury: (why: string) => bury(message, why)}),
  };
}

/** What is sent to the queue of dead letters. */
export function buriedCopy(
  {MessageId, Body, Attributes, MessageAttributes}: Handed,
  isFifo: boolean,
): Omit<SendMessageCommandInput, 'QueueUrl'> {
  return {
    MessageBody: Body,
    MessageAttributes,
    ...(isFifo && {MessageGroupId: Attributes?.MessageGroupId ?? 'core-runtime', MessageDeduplicationId: MessageId}),
  };
}

const isContentType = (name: string) => name.toLowerCase() === 'content-type';

function contentTypeOf(attributes: Readonly<Record<string, MessageAttributeValue>>): string {
  return Object.entries(attributes).find(([name]) => isContentType(name))?.[1].StringValue ?? '';
}

/** Bytes are Base64. */
function attributesOf(attributes: Readonly<Record<string, MessageAttributeValue>>): string[] {
  return Object.entries(attributes).flatMap(([name, {StringValue, BinaryValue}]) =>
    isContentType(name) ? [] : [name, StringValue ?? Buffer.from(BinaryValue ?? '').toString('base64')],
  );
}
