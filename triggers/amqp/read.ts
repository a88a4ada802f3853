import type {ConsumeMessage, MessageProperties} from 'amqplib';

/** Headers of a message as texts. Those that are tables or lists are JSON. */
export function attributesOf({headers = {}, contentEncoding}: MessageProperties): string[] {
  const all = [...Object.entries(headers), ...(contentEncoding ? [['content-encoding', contentEncoding]] : [])];
  return all.flatMap(([name, value]) => (value === undefined || value === null ? [] : [String(name), textOf(value)]));
}

/** What the broker and the sender say of a message, beside its headers. */
export function factsOf({fields, properties}: ConsumeMessage): Record<string, unknown> {
  const {timestamp, correlationId, replyTo, type, appId} = properties;
  const said = {correlationId, replyTo, type, appId};
  return {
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    ...(typeof timestamp === 'number' && {timestamp}),
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
  };
}

/**
Which time it is delivered, from 1. Quorum queues count; a classic queue only says whether it is the first time.

@returns undefined when it was delivered before, nobody knows how often
*/
export function timesDelivered({fields, properties}: ConsumeMessage): number | undefined {
  if (!fields.redelivered) return 1; // whatever the sender has written into the header
  const before: unknown = properties.headers?.['x-delivery-count'];
  return typeof before === 'number' && Number.isSafeInteger(before) && before > 0 ? before + 1 : undefined;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? '';
}
