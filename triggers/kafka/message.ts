import {isUtf8} from 'node:buffer';
import type {Message} from '../../src/messages/message.ts';
import type {Partition} from './partition.ts';
import type {KafkaRecord} from './records.ts';

/** How the group is told what becomes of a record. */
export interface Hand {
  accept(): Promise<void>;
  isOurs?(): boolean;
  isNew?(): void;
  bury?(why: string): Promise<void>;
}

interface Place extends Pick<Partition, 'topic' | 'partition'> {
  readonly mayBeKnown?: boolean;
}

/** A record of a partition, as every system has it. */
export function messageOf({topic, partition, mayBeKnown = true}: Place, record: KafkaRecord, {bury, ...told}: Hand): Message {
  const {offset, sentAt, key, value, headers} = record;
  const named = headers.map(([name, text]) => [textOf(name), textOf(text)] as const);
  return {
    key: `${topic}/${partition}/${offset}`,
    sentAt,
    body: value ?? Buffer.alloc(0),
    contentType: named.find(([name]) => isContentType(name))?.[1] ?? '',
    attributes: named.filter(([name]) => !isContentType(name)).flat(),
    facts: {
      topic,
      partition,
      offset: String(offset),
      ...(key && (isUtf8(key) ? {key: String(key)} : {keyBase64: key.toString('base64')})),
      ...(value === null && {tombstone: true}),
    },
    destination: topic,
    mayBeAgain: mayBeKnown,
    lane: `${topic}/${partition}`,
    ...told,
    ...(bury && {bury}),
  };
}

const isContentType = (name: string) => name.toLowerCase() === 'content-type';

/** Bytes that are no text are Base64. */
function textOf(bytes: Buffer | null): string {
  if (!bytes) return '';
  return isUtf8(bytes) ? String(bytes) : bytes.toString('base64');
}
